-- The sample shop: what ./quickstart loads. Customers and orders are spread over the shards and stay together, because
-- both are partitioned by the customer in the same way; products are copied to every shard; settings live on one.
DROP DATABASE IF EXISTS shop;
CREATE DATABASE shop;
USE shop;

CREATE TABLE customers (
  customer_id INT NOT NULL PRIMARY KEY,
  name VARCHAR(60) NOT NULL,
  city VARCHAR(40) NOT NULL,
  since DATE NOT NULL
) PARTITION BY KEY (customer_id) PARTITIONS 4;

CREATE TABLE orders (
  customer_id INT NOT NULL,
  order_id INT NOT NULL,
  ordered DATETIME NOT NULL,
  product_id INT NOT NULL,
  quantity INT NOT NULL,
  amount DECIMAL(10,2) NOT NULL,
  PRIMARY KEY (customer_id, order_id),
  KEY by_product (product_id)
) PARTITION BY KEY (customer_id) PARTITIONS 4;

CREATE TABLE products (
  product_id INT NOT NULL PRIMARY KEY,
  title VARCHAR(60) NOT NULL,
  price DECIMAL(8,2) NOT NULL
) BROADCAST;

CREATE TABLE settings (
  name VARCHAR(40) NOT NULL PRIMARY KEY,
  value VARCHAR(200)
) SINGLE;

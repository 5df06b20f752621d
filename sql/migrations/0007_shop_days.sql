-- What the shop as a whole did on a day (UTC): base rates for the features of risk. Written once after the day has ended, never changed,
-- so that training can tell what was known at a time.
CREATE TABLE cartwright.shop_day (
    day    int PRIMARY KEY CHECK (day >= 0), -- since 1970-01-01
    adds   bigint NOT NULL CHECK (adds >= 0),
    orders bigint NOT NULL CHECK (orders >= 0)
);

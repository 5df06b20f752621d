-- What the fold has derived for a lane that another transaction held at that moment. It is committed with the fold that derived it, and goes into the log as
-- soon as the lane is free; until then it is no event, but whoever asks what waits for the fold asks here as well (joins_pending).
CREATE TABLE cartwright.derived_waiting (
    lane        int NOT NULL,                 -- where it is to go
    event_id    text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    type        text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    since       timestamptz NOT NULL,
    body        jsonb NOT NULL,
    PRIMARY KEY (lane, event_id)
);
-- Both serve joins_pending: for whom it is, and whom it names.
CREATE INDEX derived_waiting_key ON cartwright.derived_waiting (lane, key);
CREATE INDEX derived_waiting_names ON cartwright.derived_waiting ((coalesce(body ->> 'anonymous_id', body ->> 'via')));

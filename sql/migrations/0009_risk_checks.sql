-- How the risk model that serves does on carts whose outcome is known by now, day by day: the correction of its intercept that all replicas apply (the newest
-- row of the version), and drift. Rows are only added: they are the audit trail.
CREATE TABLE cartwright.risk_check (
    version    text NOT NULL REFERENCES cartwright.model,
    day        int NOT NULL CHECK (day >= 0),              -- since 1970-01-01, UTC
    shift      double precision NOT NULL,                  -- in logit
    moments    bigint NOT NULL CHECK (moments >= 0),       -- it was fitted to
    brier      double precision NOT NULL,                  -- of the lately matured moments, as scored without a shift
    brier_base double precision NOT NULL,                  -- of the 28 days before
    psi_score  double precision NOT NULL,                  -- population stability index of the score, lately against before
    psi        jsonb NOT NULL,                             -- the same of every feature, by name
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (version, day)
);

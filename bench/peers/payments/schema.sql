-- The ledger and the journal of the reference pipeline: double entry, one effect a key, what is searched by has an index.

CREATE TABLE accounts (
    iban text PRIMARY KEY,
    currency text NOT NULL,
    overdraft_minor bigint,                     -- null for the bank's own: without limit
    status text NOT NULL DEFAULT 'open',
    balance_minor bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);                       -- room for updates that touch no index

CREATE TABLE transactions (
    key text PRIMARY KEY,
    id text NOT NULL,
    kind text NOT NULL,
    debtor text NOT NULL,
    creditor text NOT NULL,
    minor bigint NOT NULL CHECK (minor > 0),
    currency text NOT NULL,
    requested timestamptz NOT NULL,
    reference text,
    reason text                                 -- why it was rejected; null when it is posted
);

CREATE TABLE entries (
    key text NOT NULL,
    iban text NOT NULL,
    minor bigint NOT NULL
);

CREATE TABLE journal (
    key text PRIMARY KEY,
    id text NOT NULL,
    at timestamptz NOT NULL,
    debtor text NOT NULL,
    creditor text NOT NULL,
    minor bigint NOT NULL,
    currency text NOT NULL,
    reference text,
    reason text
);
CREATE INDEX journal_debtor ON journal (debtor, at);
CREATE INDEX journal_creditor ON journal (creditor, at);
CREATE INDEX journal_reference ON journal (reference);
CREATE INDEX journal_at ON journal USING brin (at);

-- Two roles for PostgreSQL: sluice_owner owns the tables and runs sluiced migrate; sluice_app serves and works, and can
-- add to the log but neither change nor remove what stands in it. Run this as a superuser, in the database of Sluice:
--
--   createdb sluice
--   psql -d sluice -v ON_ERROR_STOP=1 -f postgres.sql
--   sluiced migrate      with database.url_file naming sluice_owner
--   psql -d sluice -v ON_ERROR_STOP=1 -f postgres.sql      again, now that there are tables
--   sluiced doctor --serving      with database.url_file naming sluice_app
--
-- It can be run any number of times, and is after each migrate. Passwords: \password sluice_owner, \password sluice_app.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_owner') THEN
        CREATE ROLE sluice_owner LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_app') THEN
        CREATE ROLE sluice_app LOGIN;
    END IF;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO sluice_owner;
GRANT USAGE ON SCHEMA public TO sluice_app;

-- What migrate makes later is usable at once, but for the log, which the second half narrows again.
ALTER DEFAULT PRIVILEGES FOR ROLE sluice_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO sluice_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO sluice_app;

DO $$
BEGIN
    IF to_regclass('public.audit_entries') IS NOT NULL THEN
        REVOKE ALL ON audit_entries FROM sluice_app;
        GRANT SELECT, INSERT ON audit_entries TO sluice_app;
        REVOKE DELETE ON audit_head FROM sluice_app;
        REVOKE INSERT ON audit_head FROM sluice_app;
    END IF;
    -- Whoever could write here could make an old program run on new tables.
    IF to_regclass('public.goose_db_version') IS NOT NULL THEN
        REVOKE ALL ON goose_db_version FROM sluice_app;
        GRANT SELECT ON goose_db_version TO sluice_app;
    END IF;
END
$$;

CREATE SCHEMA "integrations_api";

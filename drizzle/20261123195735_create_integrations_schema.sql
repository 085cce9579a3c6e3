CREATE SCHEMA "integrations";

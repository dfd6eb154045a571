-- Organizations of the controls, which the next start deletes. One with a clock in the past would otherwise be its first.
CREATE TABLE modelhub_testing.made_organizations (id uuid PRIMARY KEY)

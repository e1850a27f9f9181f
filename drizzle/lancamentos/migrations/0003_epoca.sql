-- The relay renews the epoch of a log that was restored older than what it had published. Changes no data.
grant update (epoca) on log_estado to lancamentos;

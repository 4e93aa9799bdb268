-- Types that a column may have had in between when it has the type that it had, and yet its table was rewritten and the column altered:
-- those that round its values, the coarsest first.
create function sfsync.types_in_between(type oid, modifier int) returns text[]
  language sql
  as $$
    select coalesce(array_agg(format('numeric(1000,%s)', scale) order by scale), '{}')
      from generate_series(0, case when modifier = -1 then 6 else least((modifier - 4) & 2047, 20) - 1 end) as scale
     where type = 'numeric'::regtype
  $$;

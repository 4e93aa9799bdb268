-- Types that mapped columns had since their table was last compared to its end, the oldest first, by column. Rows hold what these
-- have made of values, and nobody has edited that.
alter table sfsync.mapped_table add column former_types jsonb not null default '{}';

-- What a column makes of texts that had these types one after the other, as assignments do: nothing of one that is refused on the
-- way. `expression`: how sfsync reads the column `held.v`.
create function sfsync.through_types(types text[], expression text, given text[]) returns text[]
  language plpgsql
  as $$
declare
  source text := 'select i, v from unnest($1) with ordinality as given (v, i)';
  all_of_them text;
  base_type pg_type;
  one text[];
  found text[] := '{}';
  value text;
begin
  for place in 1 .. cardinality(types) loop
    select * into base_type from pg_type where oid = to_regtype(types[place]);
    while base_type.typtype = 'd' loop
      select * into base_type from pg_type where oid = base_type.typbasetype;
    end loop;
    -- A cast cuts what an assignment refuses.
    source := format(
      case when base_type.oid in ('varchar'::regtype, 'bpchar'::regtype, 'bit'::regtype, 'varbit'::regtype)
           then 'select i, case when rtrim(v::%1$s::text) = rtrim(v::text) then v::%1$s end as v from (%2$s) as held_%3$s'
           else 'select i, v::%1$s as v from (%2$s) as held_%3$s' end,
      types[place], source, place);
  end loop;
  all_of_them := format('select array_agg(%s order by i) from (%s) as held', expression, source);
  begin
    execute all_of_them into one using given;
    return one;
  exception when others then
    -- One of them is refused, and does not say which.
  end;
  foreach value in array given loop
    begin
      execute all_of_them into one using array[value];
    exception when others then
      one := array[null::text];
    end;
    found := found || one;
  end loop;
  return found;
end
$$;

create or replace function sfsync.in_column(type text, expression text, given text[]) returns text[]
  language sql
  as $$ select sfsync.through_types(array[type], expression, given) $$;

-- What the row holds in place of values of the base that one of the sides cannot hold as the other does.
alter table sfsync.link add column inexact jsonb not null default '{}';

-- Fields whose column does not hold all values of Salesforce as they are. Each is reported once.
create table sfsync.inexact_column (
  object text not null,
  field text not null,
  -- The column's type then.
  type text not null,
  first_seen timestamptz not null default now(),
  -- The step that saw it first, also when it is tried again.
  seen_by text not null,
  primary key (object, field)
);

-- What a column of the type makes of texts, as an assignment does: nothing of one that it refuses. `expression`: how sfsync reads
-- the column `v`.
create function sfsync.in_column(type text, expression text, given text[]) returns text[]
  language plpgsql
  as $$
declare
  all_of_them constant text := format(
    'select array_agg(%s order by i) from unnest($1::text::%s[]) with ordinality as held (v, i)', expression, type);
  one text[];
  found text[] := '{}';
  value text;
begin
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

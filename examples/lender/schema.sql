-- The lender's own schema: what the application behind the borrower portal brings along. sfsync only reads and writes its
-- tables; it is applied to an empty database of the local run, and changes nothing where the tables are there.

create or replace function public.touch_updated_at() returns trigger
  language plpgsql
  as $$
begin
  new.updated_at := now();
  return new;
end
$$;

create table if not exists public.lenders (
  id uuid primary key default gen_random_uuid(),
  salesforce_id text unique,
  name text not null,
  phone text,
  website text,
  industry text,
  annual_revenue numeric,
  employee_count numeric,
  description text,
  internal_notes text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists public.borrowers (
  id uuid primary key default gen_random_uuid(),
  salesforce_id text unique,
  first_name text,
  last_name text not null,
  email text,
  phone text,
  born_on date,
  do_not_call boolean not null default false,
  lender_id uuid references public.lenders deferrable,
  credit_score numeric,
  password_digest text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists public.loan_applications (
  id uuid primary key default gen_random_uuid(),
  salesforce_id text unique,
  title text not null,
  amount numeric,
  stage text not null,
  closes_on date not null,
  lender_id uuid references public.lenders deferrable,
  probability numeric,
  term_months numeric,
  approved_at timestamptz,
  purposes text[],
  underwriter_notes text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create index if not exists borrowers_lender_id on public.borrowers (lender_id);
create index if not exists loan_applications_lender_id on public.loan_applications (lender_id);

create or replace trigger touch_updated_at before update on public.lenders
  for each row execute function public.touch_updated_at();
create or replace trigger touch_updated_at before update on public.borrowers
  for each row execute function public.touch_updated_at();
create or replace trigger touch_updated_at before update on public.loan_applications
  for each row execute function public.touch_updated_at();

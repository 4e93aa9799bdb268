\restrict 9cJrSY2wQBidkMsub7XuU5zxoXi7M6uvSVir9ABZspqzlRh67NXXoeAbAo1rRhe

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: citext; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;


--
-- Name: EXTENSION citext; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION citext IS 'data type for case-insensitive character strings';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: ar_internal_metadata; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ar_internal_metadata (
    key character varying NOT NULL,
    value character varying,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL
);


--
-- Name: borrowers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.borrowers (
    id bigint NOT NULL,
    lender_id bigint,
    public_id uuid DEFAULT gen_random_uuid() NOT NULL,
    first_name character varying,
    last_name character varying NOT NULL,
    email public.citext,
    phone character varying DEFAULT ''::character varying NOT NULL,
    birthdate date,
    do_not_call boolean DEFAULT false NOT NULL,
    credit_score smallint,
    encrypted_password character varying DEFAULT ''::character varying NOT NULL,
    last_sign_in_at timestamp without time zone,
    preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    loan_applications_count integer DEFAULT 0 NOT NULL,
    discarded_at timestamp without time zone,
    lock_version integer DEFAULT 0 NOT NULL,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL,
    salesforce_id character varying
);


--
-- Name: borrowers_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.borrowers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: borrowers_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.borrowers_id_seq OWNED BY public.borrowers.id;


--
-- Name: documents; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.documents (
    id bigint NOT NULL,
    loan_application_id bigint NOT NULL,
    name character varying NOT NULL,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL
);


--
-- Name: documents_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.documents_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: documents_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.documents_id_seq OWNED BY public.documents.id;


--
-- Name: loan_applications; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.loan_applications (
    id bigint NOT NULL,
    lender_id bigint,
    broker_id bigint,
    borrower_id bigint,
    reference character varying NOT NULL,
    title character varying NOT NULL,
    status integer DEFAULT 0 NOT NULL,
    amount numeric(12,2),
    term_months integer,
    closes_on date NOT NULL,
    approved_at timestamp without time zone,
    purposes text[] DEFAULT '{}'::text[] NOT NULL,
    lock_version integer DEFAULT 0 NOT NULL,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL,
    salesforce_id character varying,
    CONSTRAINT amount_not_negative CHECK ((amount >= (0)::numeric))
);


--
-- Name: loan_applications_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.loan_applications_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: loan_applications_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.loan_applications_id_seq OWNED BY public.loan_applications.id;


--
-- Name: organizations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.organizations (
    id bigint NOT NULL,
    type character varying NOT NULL,
    name character varying NOT NULL,
    phone character varying,
    website character varying,
    industry character varying,
    annual_revenue numeric(15,2),
    employee_count integer,
    description text,
    lock_version integer DEFAULT 0 NOT NULL,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL,
    salesforce_id character varying
);


--
-- Name: organizations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.organizations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: organizations_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.organizations_id_seq OWNED BY public.organizations.id;


--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);


--
-- Name: borrowers id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.borrowers ALTER COLUMN id SET DEFAULT nextval('public.borrowers_id_seq'::regclass);


--
-- Name: documents id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.documents ALTER COLUMN id SET DEFAULT nextval('public.documents_id_seq'::regclass);


--
-- Name: loan_applications id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.loan_applications ALTER COLUMN id SET DEFAULT nextval('public.loan_applications_id_seq'::regclass);


--
-- Name: organizations id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organizations ALTER COLUMN id SET DEFAULT nextval('public.organizations_id_seq'::regclass);


--
-- Name: ar_internal_metadata ar_internal_metadata_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ar_internal_metadata
    ADD CONSTRAINT ar_internal_metadata_pkey PRIMARY KEY (key);


--
-- Name: borrowers borrowers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.borrowers
    ADD CONSTRAINT borrowers_pkey PRIMARY KEY (id);


--
-- Name: documents documents_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (id);


--
-- Name: loan_applications loan_applications_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.loan_applications
    ADD CONSTRAINT loan_applications_pkey PRIMARY KEY (id);


--
-- Name: organizations organizations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);


--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);


--
-- Name: index_borrowers_on_discarded_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX index_borrowers_on_discarded_at ON public.borrowers USING btree (discarded_at);


--
-- Name: index_borrowers_on_email; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX index_borrowers_on_email ON public.borrowers USING btree (email);


--
-- Name: index_borrowers_on_lender_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX index_borrowers_on_lender_id ON public.borrowers USING btree (lender_id);


--
-- Name: index_borrowers_on_public_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX index_borrowers_on_public_id ON public.borrowers USING btree (public_id);


--
-- Name: index_borrowers_on_salesforce_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX index_borrowers_on_salesforce_id ON public.borrowers USING btree (salesforce_id);


--
-- Name: index_documents_on_loan_application_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX index_documents_on_loan_application_id ON public.documents USING btree (loan_application_id);


--
-- Name: index_loan_applications_on_borrower_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX index_loan_applications_on_borrower_id ON public.loan_applications USING btree (borrower_id);


--
-- Name: index_loan_applications_on_broker_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX index_loan_applications_on_broker_id ON public.loan_applications USING btree (broker_id);


--
-- Name: index_loan_applications_on_lender_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX index_loan_applications_on_lender_id ON public.loan_applications USING btree (lender_id);


--
-- Name: index_loan_applications_on_reference; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX index_loan_applications_on_reference ON public.loan_applications USING btree (reference);


--
-- Name: index_loan_applications_on_salesforce_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX index_loan_applications_on_salesforce_id ON public.loan_applications USING btree (salesforce_id);


--
-- Name: index_loan_applications_on_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX index_loan_applications_on_status ON public.loan_applications USING btree (status);


--
-- Name: index_organizations_on_salesforce_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX index_organizations_on_salesforce_id ON public.organizations USING btree (salesforce_id);


--
-- Name: index_organizations_on_type_and_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX index_organizations_on_type_and_name ON public.organizations USING btree (type, name);


--
-- Name: documents fk_rails_3c7ace951c; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.documents
    ADD CONSTRAINT fk_rails_3c7ace951c FOREIGN KEY (loan_application_id) REFERENCES public.loan_applications(id);


--
-- Name: borrowers fk_rails_4543d00852; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.borrowers
    ADD CONSTRAINT fk_rails_4543d00852 FOREIGN KEY (lender_id) REFERENCES public.organizations(id);


--
-- Name: loan_applications fk_rails_8ceff12445; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.loan_applications
    ADD CONSTRAINT fk_rails_8ceff12445 FOREIGN KEY (borrower_id) REFERENCES public.borrowers(id);


--
-- Name: loan_applications fk_rails_9ab1e966de; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.loan_applications
    ADD CONSTRAINT fk_rails_9ab1e966de FOREIGN KEY (broker_id) REFERENCES public.organizations(id);


--
-- Name: loan_applications fk_rails_e3f9d4ba75; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.loan_applications
    ADD CONSTRAINT fk_rails_e3f9d4ba75 FOREIGN KEY (lender_id) REFERENCES public.organizations(id);


--
-- PostgreSQL database dump complete
--

\unrestrict 9cJrSY2wQBidkMsub7XuU5zxoXi7M6uvSVir9ABZspqzlRh67NXXoeAbAo1rRhe

SET search_path TO "$user", public;

INSERT INTO "schema_migrations" (version) VALUES
('20210302090000'),
('20210302090100'),
('20210302090200'),
('20261130100000');



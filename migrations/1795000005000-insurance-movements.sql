-- The table of dataset insurance-movements, as datasets/insurance-movements.ts declares it.
-- Safe at any time: it makes a new, empty table and touches nothing that exists.
create table warehouse.insurance_movement (
  business_date date not null,
  id_mouvement bigint not null,
  date_op date not null,
  produit text not null,
  type_op text not null,
  montant numeric(12,2) not null,
  agence_id text not null,
  pays text not null,
  primary key (id_mouvement, business_date)
) partition by list (business_date);

import { bigint, csv, date, decimal, defineDataset, oneOf, text } from '../rules/kit.ts';

export default defineDataset({
  name: 'insurance-movements',
  about: 'Every movement of money of an insurer’s contracts in a month, as its agencies booked them.',
  table: 'insurance_movement',
  source: csv({ endsLastLine: true }),
  columns: {
    id_mouvement: bigint().orReject('no-id'),
    date_op: date().orReject('no-day'),
    produit: oneOf('auto', 'santé', 'habitation', 'vie').orReject('no-product'),
    type_op: oneOf(
      'cotisation',
      'remboursement',
      'commission',
      'rétrocession',
      'ajustement',
      'régularisation',
      'pénalité',
      'correction',
      'annulation',
      'virement',
      'provision',
      'réassurance',
      'frais_gestion',
      'prime_exceptionnelle',
      'bonus_malus',
      'indemnisation',
      'franchise',
      'résiliation',
      'avenant',
    ).orReject('no-type'),
    montant: decimal({ precision: 12, scale: 2 }).orReject('no-amount'), // euros; negative where the insurer pays
    agence_id: text({ like: /AG_\d{3}/ }).orReject('no-agency'),
    pays: oneOf('FR', 'ES', 'IT', 'DE', 'BE').orReject('no-country'),
  },
  key: ['id_mouvement'],
  dayOfRow: { monthOf: 'date_op' },
  write: 'replaceDay',
  schedule: { cadence: 'monthly', at: '03:00', dueBy: '08:00' },
  audits: [
    {
      // Agencies in five countries book on every day of the year: a day without them was lost on the way.
      name: 'day-without-movements',
      severity: 'warn',
      sql: `
        select day::date as date_op
        from generate_series(:businessDate, :businessDate + interval '1 month' - interval '1 day', interval '1 day') day
        except select distinct date_op from :table`, // distinct: on several processors
    },
  ],
});

export { default } from '../lender/seed.ts';

export { type OpenConflict, readOpenConflicts, resolveConflicts } from './conflicts.ts';

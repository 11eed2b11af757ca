// What the files of races share: a database with a course on it for the whole file, and how many races of a kind there are.

import { test as base } from 'vitest';
import { createTestDatabase } from '../../kit/database.ts';
import { openCourse } from './course.ts';

const TEN_THOUSAND = 10_000;
const RACES = Number(process.env.RACES || TEN_THOUSAND);
/** Approvals that are redeemed twice at once. */
export const APPROVALS = Number(process.env.APPROVALS || 1000);
/** Enough to lose one, where the kernel is forgetful. */
export const FORGETFUL_RACES = 12;

/** How many races to run of a kind that has so many among ten thousand revocations. */
export const racesOf = (share: number): number => Math.max(20, Math.round((RACES * share) / TEN_THOUSAND));

export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('database', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await createTestDatabase();
    onCleanup(() => database.drop());
    return database;
  })
  .extend('course', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    const course = await openCourse(database);
    onCleanup(() => course.close());
    return course;
  });

/* Which pages a search shows first: those that say what to do or what a word means, before decisions and the list of changes. */

var BY_PAGE = [
  [/^glossary$/, 16],
  [/^for-/, 10],
  [/^rules\//, 6],
  [/^decisions/, -10],
  [/^CHANGELOG$/, -20],
  [/^index$/, -5],
];

var Scorer = {
  score: ([page, , , , score]) => score + BY_PAGE.reduce((sum, [pattern, more]) => sum + (pattern.test(page) ? more : 0), 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

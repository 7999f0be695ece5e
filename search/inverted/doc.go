// Package inverted keeps a full-text index in the rows of the database that
// holds the records themselves.
//
// A search engine beside the database has to be kept in step with it, and the
// full-text search inside a database ranks differently on each, knows no inverse
// document frequency (Postgres), or lets the words of one organization change
// the scores of another (SQLite). Here one analyzer and one inverted index, both
// in Go, write their postings as rows: the same tables on SQLite and Postgres,
// changed in the caller's transaction, ranked the same by construction, and
// separate for each organization.
//
// # How it is built
//
// An index is a list of segments. A segment holds the postings of some thousand
// chunks (a chunk is a piece of a document's text) and never changes; what is
// deleted from it is a bit in its tombstones. Small segments are merged into
// larger ones by [Index.Merge]. Inside a segment the chunks have ordinals 0, 1,
// 2 …; outside they have numbers that are given out once per organization and
// grow with time. A segment consists of
//
//   - blocks: sorted terms with their postings (ordinal, frequency in title and
//     body, positions), about 4 kB in each row; those of frequent words are sets
//     of bits with a byte for each chunk
//   - a dictionary: the terms without postings, each with the word that most
//     often has it, for prefixes, misspelt words and completions
//   - columns: the lengths of the chunks, and for each filterable value of the
//     documents a dictionary and one code for each document
//
// A query reads the few blocks that hold its terms and the columns that its
// filters and facets need. What it has read stays in memory, up to
// [Options.CacheBytes], and while there is room the blocks beside them come along;
// segments do not change, so nothing in there can be stale.
//
// # How it ranks
//
// Scores are BM25 (Robertson and Zaragoza, "The Probabilistic Relevance
// Framework", 2009) over the live chunks of one organization: exact document
// frequencies and lengths, tombstones taken off. A word gives a little for being
// there at all, so that chunks with more of the words win; neighbours of the
// query that are neighbours in the text give more; a document whose title is the
// query, and chunks with a rare identifier of the query, come before all others.
// A score is a sum of whole numbers, the same in whatever order parts are added.
//
// Totals and facets count every match. Scores are computed only for chunks that
// can still come among the wanted hits (see matcher.segment), which changes no
// result.
package inverted

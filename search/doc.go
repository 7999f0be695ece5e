// Package search finds records by words, filters and facets, the same on SQLite
// and Postgres.
//
// What users need from a search box is more than a list of rows that contain a
// word: the best first, across all kinds of records at once, narrowed by type,
// group, fields and dates, with counts that agree with the hits, pages that
// neither repeat nor skip, and the found words marked in a text that may contain
// anything. This package puts these together. A record is indexed as a
// [content.Document]: an [Indexer] cuts its text into chunks, stores them in the
// table search_chunks and indexes them in the caller's transaction. A [Searcher]
// answers a [Query] with documents, each shown by its best chunk.
//
// Documents are ranked by one or more arms, each by its kind of evidence, whose
// scores are brought together apart from them. The arm for words is package
// search/inverted.
package search

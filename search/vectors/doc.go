// Package vectors holds what the two keepers of vectors have in common.
//
// A chunk of text that an embedding model has turned into a vector is near, by
// cosine, to what means the same in other words. Where vectors are kept and how
// the nearest are found depends on the database: search/pgvec leaves it to
// pgvector, search/flatvec keeps rows of SQLite mirrored in memory. Whoever uses
// them should not need to know which. So they take and return the same values,
// defined here: a [Model], a [Vector] of a chunk, a [Request], a [Hit]. They refuse
// the same vectors, and give the same scores. Here is also the [Cache] of vectors
// by text, which is the same on both databases.
//
// # Filters
//
// A keeper of vectors knows no fields and no filters. A [Request] names the chunks
// that may be found as a [Set]; inverted.View.Select makes one from the filters
// of a search, with the columns of the keyword index. So both arms of a search
// have the same filters by construction, whatever the operators and kinds, and a
// vector whose chunk has been deleted is not found.
package vectors

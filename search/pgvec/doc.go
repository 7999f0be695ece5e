// Package pgvec finds the nearest vectors in a Postgres database, with the
// extension pgvector.
//
// An index for vectors is fast over a whole table and quietly wrong under a
// filter: it returns the nearest of all rows, and few or none of them pass. For a
// library whose every search is filtered, by organization at least, that is the
// normal case. Here the number of rows that a search may find is known before it
// is made, and decides how: few are compared one by one, exactly; among many an
// HNSW index is asked for more and more until enough have passed; and when it
// cannot give enough, the exact way is taken after all. There are always as many
// hits as asked for when there are as many vectors.
package pgvec

// Package flatvec finds the nearest vectors in an SQLite database.
//
// SQLite has no index for vectors, an extension would have to be loaded by every
// program that opens the file, and to read all vectors from rows for each search
// is slow. Here vectors are rows, changed in the caller's transaction like
// everything else, and each process keeps a mirror of them in memory, one for each
// organization and model that is searched.
package flatvec

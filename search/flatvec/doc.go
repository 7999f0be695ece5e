// Package flatvec finds the nearest vectors in an SQLite database.
//
// SQLite has no index for vectors, an extension would have to be loaded by every
// program that opens the file, and to read all vectors from rows for each search
// is slow. Here vectors are rows, changed in the caller's transaction like
// everything else, and each process keeps a mirror of them in memory, one for each
// organization and model that is searched.
//
// # What a search sees
//
// Every change has a version and notes which chunks it concerns. A mirror holds
// the last few versions that somebody asked for. A search reads the version in its
// own transaction: if the mirror is behind, it is brought up to date with what was
// changed; if the transaction is older, or has changed something itself, the
// difference is read and laid over the mirror for this one search. What a
// transaction has changed and may take back never gets into a mirror.
//
// # How the nearest are found
//
// Up to [Options.Exact] vectors are all compared. Among more, a code of one bit
// for each dimension tells about how near each is and how far off that may be, and
// those that may be among the best are compared in full. Scores are always of the
// full values.
package flatvec

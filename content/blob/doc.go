// Package blob keeps files outside the database: uploads on their way to a
// worker on another machine, and documents that records point to.
//
// A file that is too large for a row is easily lost or mixed up: a crash leaves
// half of it under its final name, a broken connection cuts it short without an
// error, a name that a user chose leads out of the directory, and nobody knows
// what it was called. A [Store] never shows half an object: one is there with its
// whole content, size, SHA-256, name and type, or it is not there. What is read
// in full is checked against the SHA-256, and a stream that was cut short ends
// with an error. Keys are made from ids ([Key]) and checked by every store, names
// that people gave stand in the metadata only.
//
// Package dirblob is a Store in a directory, package s3blob one in MinIO or any
// S3; package blobtest holds the conformance suite. [OpenLocal] gives random
// access to an object, [Spill] is where it keeps local copies.
package blob

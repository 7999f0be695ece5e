// Package salesforcetest makes Salesforce weekly exports for tests, benchmarks
// and the sample of the quickstart.
//
// Real exports are confidential and too large for a repository, and an export
// written by hand misses what makes real ones hard: every field quoted, dates
// with a midnight time, 0 and 1 for booleans, hundreds of header-only objects,
// files whose names contain the names of others, deleted rows, links to records
// that are not there. [Generate] writes such exports of any size, the same bytes
// for the same [Options], in memory that does not grow with the number of rows.
// The text reads like the customer base of a company that sells to governments,
// so that searches over it mean something.
//
// For the broken inputs that a reader must refuse there are [Zip], [Encrypted],
// [Truncated], [BadChecksum] and [Bomb].
package salesforcetest

// Package export reads a Salesforce weekly data export: several zip files of
// CSV whose encoding, date order and completeness nobody states.
//
// An export arrives as parts WE_<organization>_<n>.ZIP, of which any may be
// missing. Each holds a CSV per object, hundreds of them, most with a header
// only and some with names that contain the name of the one that is wanted. The
// encoding is a choice that somebody made once in the setup and the file does
// not record; exports edited or made by other tools have slash dates whose day
// and month may stand in either order. To decide such things per file or per
// value is to guess: a file in pure ASCII says nothing, and 02/03/24 reads both
// ways. [Open] therefore looks through the wanted files of the whole export
// once, decides once, and says what it decided.
//
// [Export.Records] then streams the rows of an object out of all parts in
// memory that does not depend on their size. A row that cannot be used (too few
// fields, a stray quote, bytes that are invalid in the encoding) carries its
// reason and place and does not disturb the rows behind it; a file that cannot
// be trusted (cut short, failing its checksum, a zip bomb) ends the iteration.
//
// The package also reads what the fields hold: ids ([ParseID]), numbers and
// times ([Amount], [Time]). It knows nothing of the types that an import fills
// and needs nothing but bytes.
package export

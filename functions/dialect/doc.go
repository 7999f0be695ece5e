// Package dialect solves one problem: every provider of language models says
// that it takes JSON Schema, and each takes another part of it. One refuses a
// length, one a default, one any property that is not required, one a type that
// may be null, and what is refused takes the whole request with it.
//
// [Compile] rewrites the schema of a function for one provider, and what it has
// to leave out it says in words in the description. [Check] holds a tool against
// the limits of a provider, which stand in one table with their sources. A
// schema that cannot be written in the strict form of a provider falls back to
// the plain one, where there is one, and the result says so; otherwise it is an
// error that names the field and the rule.
//
// What a model sends back fits the original schema after package functions has
// repaired it: null for an optional value is left out, a list of names and
// values becomes the map that it stands for, and text that holds an object
// becomes the object.
package dialect

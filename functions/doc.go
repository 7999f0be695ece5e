// Package functions solves one problem: a language model can only call what is
// described to it exactly, and what it sends back is never exactly what was
// described. A Go function is wrapped here once, by [Define], and from then on
// it has a JSON Schema for input and output, its arguments are repaired where
// the intention is plain and refused in words a model can act on where it is
// not, and its result is bounded, labelled and safe to hand over.
//
// An [Engine] holds functions and runs every call through the same pipeline:
// resolve, authorise, repair, validate, defaults, decode, handle, validate the
// output, cap, label. The organization a call acts for is the [content.Scope]
// that the program passes; it can never come from an argument.
//
// There are two channels for what goes wrong. The model reads the code,
// message, hint and fields of an [Error]; the program reads its Cause. Text of
// a database or of a panic is only ever in the second.
//
// [Builtins] derives the functions every program has from a registry of content
// types: get, search and one search per connection, query_model, export_query,
// describe_model, list_types, facet_values, more_like_this.
//
// To begin: declare a function with [Define] and give it to curatore.Config.Functions,
// beside the built-in ones, or to [NewEngine] on its own. Package openaitools hands
// functions to models that speak the OpenAI protocol, package mcpserver to desktop
// programs and editors, and package dialect says what each provider takes.
package functions

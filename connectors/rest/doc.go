// Package rest is the one way in which connections talk to HTTP services.
//
// Each service has a base address, a credential, a limit, and moods. A
// connection that calls net/http itself works on the day it is written, and then
// meets a token that expires in the middle of a listing, a 429 with the date on
// which to come back, a daily quota that is used up at noon, a link that leads
// the credential to another host, and an error that prints the API key because
// it stood in the query. These are settled here, once: a [Client] authorizes,
// waits, tries again, gives up with an error that says how to behave ([StatusError],
// [LimitError]), and lets no secret into errors and logs.
//
// Clients come from a [Pool], which shares one limiter and one daily ledger
// between all who use the same credential. Time is injected: tests need no
// sleep.
package rest

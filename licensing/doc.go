// Package licensing says who may have what, on which terms: the recorded request, the licence agreement that follows from
// it, its signatures, its amendments, its contacts and its term.
//
// Each thing is a value with a pure function Next that decides whether an event may happen; the Registry is the only one
// that writes them, and does nothing else:
//
//	request    recorded → approved | refused | withdrawn
//	agreement  drafted ⇄ signing → in force ⇄ suspended → ended | terminated → closed out
//
// Begin with New, then Record a request, Approve it as somebody else, and Sign the agreement as its three parties.
// Whether an agreement gives access at an instant is Agreement.OpenAt and nothing else: no job ends a term, jobs only
// write down that it has ended.
package licensing

package inverted

import "strings"

// stopWords are English words that say nothing about what a text is about:
// articles, pronouns, auxiliary verbs, conjunctions, the commonest prepositions
// and the words that questions begin with. They are indexed, for phrases, but
// not looked up beside other words. Words that can turn a meaning (not, under,
// over, before) are not among them, nor is "us", the term of U.S.
var stopWords = func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(`
		a an the this that these those some any such all each both other
		i me my myself we our ours ourselves you your yours yourself yourselves he him his himself
		she her hers herself it its itself they them their theirs themselves
		what which who whom when where why how
		am is are was were be been being have has had having do does did doing
		can could may might will would shall should must ought cannot
		and or but if because as until while than so then too very only own
		of at by for with about into through during to from in on again once here there
		im youre hes shes theyre ive youve weve theyve youd theyd youll theyll
		isnt arent wasnt werent hasnt havent hadnt doesnt dont didnt wont wouldnt shouldnt cant couldnt
		lets thats whos whats heres theres whens wheres whys hows`) {
		words[w] = true
	}
	return words
}()

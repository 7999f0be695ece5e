package inverted

import "strings"

// stopWords are words that say nothing about what a text is about, by language:
// articles, pronouns, auxiliary verbs, conjunctions, the commonest prepositions
// and the words that questions begin with. They are indexed, for phrases, but
// not looked up beside other words. Words that can turn a meaning (not, under,
// over, before) are not among them, nor is "us", the term of U.S. They are
// written as folded words are, without accents.
var stopWords = func() map[string]map[string]bool {
	lists := map[string]map[string]bool{}
	for language, words := range map[string]string{
		"en": `
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
		lets thats whos whats heres theres whens wheres whys hows`,
		"de": `der die das den dem des ein eine einer eines einem einen und oder aber denn weil dass ist sind war waren wird werden wurde
			hat haben hatte sein ich du er sie es wir ihr mich mir dich dir ihn ihm uns euch sich man in im an am auf aus bei beim mit nach
			von vom zu zum zur fur durch um als wie so auch nur noch was wer wo wann warum welche welcher welches kann konnen soll muss`,
		"fr": `le la les un une des du de et ou mais donc car que qui quoi dont ce cet cette ces il elle ils elles je tu nous vous on se sa son
			ses leur leurs ma mon mes ta ton tes au aux en dans par pour sur avec est sont etait etre ete a ont avait avoir ne y quel quelle
			quels quelles comment quand pourquoi peut`,
		"es": `el la los las un una unos unas de del y o u e pero que quien cual como cuando donde por para con en al a se su sus lo le les me
			te nos mi tu es son era ser fue ha han habia este esta estos estas ese esa eso esto muy puede`,
		"it": `il lo la i gli le un uno una di del dello della dei degli delle e o ma che chi cui come quando dove per con in nel nella nei al
			alla ai da dal dalla su sul sulla si suo sua suoi mi ti ci vi e sono era essere stato ha hanno aveva questo questa questi
			queste quale puo`,
		"nl": `de het een en of maar want dat die dit deze is zijn was waren wordt worden werd heeft hebben had ik je hij zij ze we wij u hun
			hem haar in op aan van voor met te ten ter uit bij door naar om als zo ook nog wat wie waar wanneer waarom hoe welke kan moet`,
		"pt": `o a os as um uma uns umas de do da dos das e ou mas que quem qual como quando onde por para com em no na nos nas ao aos se seu
			sua seus suas lhe me te e sao era ser foi tem este esta estes estas isso isto muito pode`,
	} {
		lists[language] = map[string]bool{}
		for _, w := range strings.Fields(words) {
			lists[language][w] = true
		}
	}
	return lists
}()

package inverted

import "hash/maphash"

// wordIDs are the words of one language that are stemmed, and the terms that they
// become. They are looked up for each word of each text, which is most of the
// work of indexing. A Go map leads from its groups to the word, and from there to
// what is known of it; here a word of up to twelve bytes is in one place with it.
type wordIDs struct {
	analyzer *analyzer
	seed     maphash.Seed
	slots    []wordSlot // a power of two of them; those with size 0 are empty
	keys     []string   // the words as they are looked up, by number
	words    []string   // the same, folded
}

type wordSlot struct {
	hash   uint32
	number uint32
	term   uint32
	times  uint32 // in the segment at hand
	size   uint16
	head   [wordHead]byte
}

const wordHead = 12

func newWordIDs(language string) *wordIDs {
	return &wordIDs{analyzer: newAnalyzer(language), seed: maphash.MakeSeed(), slots: make([]wordSlot, 1<<10)}
}

// find returns what is known of a word, which has 1 to 65,535 bytes. A new one
// gets the next number; its word and term are to be set. The slot is valid until
// the next call.
func (w *wordIDs) find(key []byte) (s *wordSlot, known bool) {
	hash := uint32(maphash.Bytes(w.seed, key))
	for i := w.first(hash); ; i = (i + 1) & (len(w.slots) - 1) {
		s = &w.slots[i]
		if s.size == 0 {
			break
		}
		if s.hash != hash || int(s.size) != len(key) {
			continue
		}
		if len(key) <= wordHead && string(s.head[:len(key)]) == string(key) || len(key) > wordHead && w.keys[s.number] == string(key) {
			return s, true
		}
	}
	if len(w.keys) >= len(w.slots)/2 {
		w.grow()
		return w.find(key)
	}
	*s = wordSlot{hash: hash, number: uint32(len(w.keys)), size: uint16(len(key))}
	copy(s.head[:], key)
	w.keys, w.words = append(w.keys, string(key)), append(w.words, "")
	return s, false
}

func (w *wordIDs) first(hash uint32) int { return int(hash) & (len(w.slots) - 1) }

func (w *wordIDs) grow() {
	old := w.slots
	w.slots = make([]wordSlot, 2*len(old))
	for _, s := range old {
		if s.size == 0 {
			continue
		}
		i := w.first(s.hash)
		for w.slots[i].size != 0 {
			i = (i + 1) & (len(w.slots) - 1)
		}
		w.slots[i] = s
	}
}

// forget sets the counts back.
func (w *wordIDs) forget() {
	for i := range w.slots {
		w.slots[i].times = 0
	}
}

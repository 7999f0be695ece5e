package salesforcetest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var accountHeader = strings.Fields(`Id IsDeleted MasterRecordId Name Type ParentId
	BillingStreet BillingCity BillingState BillingPostalCode BillingCountry
	ShippingStreet ShippingCity ShippingState ShippingPostalCode ShippingCountry
	Phone Fax Website Industry AnnualRevenue NumberOfEmployees Description OwnerId
	CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp LastActivityDate AccountSource
	SBA_8a__c HUBZone__c WOSB__c SDVOSB__c VOSB__c SDB__c NAICS__c CAGE_Code__c UEI__c`)

var contactHeader = strings.Fields(`Id IsDeleted MasterRecordId AccountId LastName FirstName Salutation
	MailingStreet MailingCity MailingState MailingPostalCode MailingCountry Phone MobilePhone Email Title Department
	LeadSource Description OwnerId CreatedDate LastModifiedDate SystemModstamp LastActivityDate
	Current_Employee__c Clearance__c`)

var opportunityHeader = strings.Fields(`Id IsDeleted AccountId Name Description StageName Amount Probability CloseDate
	Type NextStep LeadSource IsClosed IsWon ForecastCategory OwnerId CreatedDate LastModifiedDate SystemModstamp
	LastActivityDate FiscalYear FiscalQuarter Solicitation_Number__c Set_Aside__c RFP_Release_Date__c Contract_Vehicle__c`)

var stages = []struct {
	name        string
	probability int
	closed, won bool
	forecast    string
}{
	{"Prospecting", 10, false, false, "Pipeline"},
	{"Qualification", 20, false, false, "Pipeline"},
	{"Capture", 35, false, false, "Pipeline"},
	{"Proposal Submitted", 50, false, false, "Best Case"},
	{"Negotiation/Review", 75, false, false, "Commit"},
	{"Closed Won", 100, true, true, "Closed"},
	{"Closed Lost", 0, true, false, "Omitted"},
	{"No Bid", 0, true, false, "Omitted"},
}

// epoch is the first day of the generated history, which spans two years.
var epoch = time.Date(2024, time.March, 4, 8, 0, 0, 0, time.UTC)

const history = 700 * 24 * 60 // minutes

func (g *generator) deleted(i int) bool { return g.o.Quirks && i%37 == 36 }

// changed is true for the rows that differ in a later edition.
func (g *generator) changed(i int) bool { return g.o.Edition != 0 && i%10 == 0 }

// times gives creation and modification.
func (g *generator) times(rnd *random, i int) (created, modified time.Time) {
	m := rnd.n(history)
	created = epoch.Add(time.Duration(m) * time.Minute)
	modified = created.Add(time.Duration(rnd.n(history-m)) * time.Minute)
	if g.changed(i) {
		modified = modified.Add(time.Duration(g.o.Edition) * 24 * time.Hour)
	}
	return created, modified
}

func (g *generator) account(r *row, i int) {
	rnd := rowRandom(g.o.Seed, 'a', i)
	created, modified := g.times(&rnd, i)
	r.id(accountPrefix, i)
	r.flag(g.deleted(i))
	r.empty()
	government := rnd.one(3)
	if government {
		r.join(rnd.pick(agencies), " - ", rnd.pick(offices))
	} else {
		r.join(rnd.pick(companyFirst), " ", rnd.pick(companySecond), " ", rnd.pick(companySuffix))
	}
	if government {
		r.join(governmentTypes[rnd.n(len(governmentTypes))])
	} else {
		r.join(accountTypes[rnd.n(len(accountTypes))])
	}
	switch {
	case g.o.Quirks && i == 3 && g.o.Accounts > 4:
		r.id(accountPrefix, g.o.Accounts-1) // the parent comes last
	case i > 0 && i%5 == 0:
		r.id(accountPrefix, i/5)
	default:
		r.empty()
	}
	billing := cities[rnd.n(len(cities))]
	g.address(r, &rnd, billing)
	if rnd.one(2) {
		g.address(r, &rnd, billing)
	} else {
		g.address(r, &rnd, cities[rnd.n(len(cities))])
	}
	r.phone(&rnd)
	r.empty()
	r.open()
	r.b = append(r.b, "https://www.example.com/a"...)
	r.b = strconv.AppendInt(r.b, int64(i), 10)
	r.close()
	if government {
		r.join("Government")
		r.empty()
	} else {
		r.text(rnd.pick(industries))
		r.number((1 + rnd.n(900)) * 250_000)
	}
	r.number(5 + rnd.n(20_000))
	g.description(r, &rnd, i)
	r.id(userPrefix, rnd.n(12))
	r.stamp(created)
	r.id(userPrefix, rnd.n(12))
	r.stamp(modified)
	r.id(userPrefix, rnd.n(12))
	r.stamp(modified)
	if rnd.one(3) {
		r.date(modified)
	} else {
		r.empty()
	}
	r.join(rnd.pick(sources))
	small := !government && rnd.one(2)
	for range 6 {
		r.flag(small && rnd.one(3))
	}
	r.number(541_000 + rnd.n(999))
	r.code(&rnd, 5)
	r.code(&rnd, 12)
	for range g.o.Columns - usualColumns {
		if rnd.one(4) {
			r.join(rnd.pick(services))
		} else {
			r.empty()
		}
	}
	r.end()
}

func (g *generator) contact(r *row, i int) {
	rnd := rowRandom(g.o.Seed, 'c', i)
	created, modified := g.times(&rnd, i)
	r.id(contactPrefix, i)
	r.flag(g.deleted(i))
	r.empty()
	g.accountLink(r, &rnd, i)
	last, first := rnd.pick(lastNames), rnd.pick(firstNames)
	r.join(last)
	if g.o.Quirks && i%40 == 17 {
		r.join("  ", first, " ")
	} else {
		r.join(first)
	}
	r.empty()
	g.address(r, &rnd, cities[rnd.n(len(cities))])
	r.phone(&rnd)
	if rnd.one(2) {
		r.phone(&rnd)
	} else {
		r.empty()
	}
	r.open()
	r.b = append(r.b, "person"...)
	r.b = strconv.AppendInt(r.b, int64(i), 10)
	r.b = append(r.b, "@example.com"...)
	r.close()
	r.join(rnd.pick(titles))
	r.join(rnd.pick(departments))
	r.join(rnd.pick(sources))
	if rnd.one(4) {
		g.description(r, &rnd, i)
	} else {
		r.empty()
	}
	r.id(userPrefix, rnd.n(12))
	r.stamp(created)
	r.stamp(modified)
	r.stamp(modified)
	r.empty()
	r.flag(!rnd.one(5))
	if rnd.one(3) {
		r.join("Secret")
	} else {
		r.empty()
	}
	r.end()
}

func (g *generator) opportunity(r *row, i int) {
	rnd := rowRandom(g.o.Seed, 'o', i)
	created, modified := g.times(&rnd, i)
	r.id(opportunityPrefix, i)
	r.flag(g.deleted(i))
	g.accountLink(r, &rnd, i)
	if rnd.one(3) {
		r.join(rnd.pick(opportunityKinds), " for ", rnd.pick(targets), " (", rnd.pick(vehicles), ")")
	} else {
		r.join(rnd.pick(opportunityKinds), " for ", rnd.pick(targets))
	}
	g.description(r, &rnd, i)
	s := stages[rnd.n(len(stages))]
	if g.changed(i) {
		s = stages[5]
	}
	r.join(s.name)
	if g.o.Quirks && rnd.one(12) {
		r.empty()
	} else {
		r.number((1 + rnd.n(4000)) * 12_500)
	}
	r.number(s.probability)
	closing := created.Add(time.Duration(rnd.n(400)) * 24 * time.Hour)
	r.date(closing)
	r.join([]string{"New Business", "Recompete", "Follow-on"}[rnd.n(3)])
	if s.closed {
		r.empty()
	} else {
		r.join(rnd.pick(nextSteps))
	}
	r.join(rnd.pick(sources))
	r.flag(s.closed)
	r.flag(s.won)
	r.join(s.forecast)
	r.id(userPrefix, rnd.n(12))
	r.stamp(created)
	r.stamp(modified)
	r.stamp(modified)
	r.empty()
	r.number(closing.AddDate(0, 3, 0).Year()) // the fiscal year begins in October
	r.number(1 + (int(closing.Month())+2)%12/3)
	r.code(&rnd, 13)
	r.join(rnd.pick(setAsides))
	if rnd.one(2) {
		r.date(closing.AddDate(0, 0, -90))
	} else {
		r.empty()
	}
	r.join(rnd.pick(vehicles))
	r.end()
}

func (g *generator) address(r *row, rnd *random, p place) {
	r.open()
	r.b = strconv.AppendInt(r.b, int64(100+rnd.n(9000)), 10)
	r.b = append(append(r.b, ' '), rnd.pick(streets)...)
	if rnd.one(6) {
		r.b = strconv.AppendInt(append(r.b, "\nSuite "...), int64(100+rnd.n(800)), 10)
	}
	r.close()
	r.join(p.city)
	r.join(p.state)
	r.join(p.zip)
	r.join("United States")
}

// accountLink writes AccountId: some account, or with quirks none, or one that
// is not in the export.
func (g *generator) accountLink(r *row, rnd *random, i int) {
	n := rnd.next()
	switch {
	case g.dangling(i):
		r.id(accountPrefix, g.o.Accounts+1000+i)
	case g.o.Accounts == 0 || g.o.Quirks && i%50 == 49:
		r.empty()
	default:
		r.id(accountPrefix, int(n>>1%uint64(g.o.Accounts)))
	}
}

func (g *generator) dangling(i int) bool { return g.o.Quirks && i%100 == 4 }

// description writes one to four sentences.
func (g *generator) description(r *row, rnd *random, i int) {
	r.open()
	sep := " "
	if g.o.Quirks && i%9 == 2 {
		sep = "\n"
	}
	for k := range 1 + rnd.n(3) {
		if k > 0 {
			r.b = append(r.b, sep...)
		}
		for _, s := range [...]string{rnd.pick(openings), " ", rnd.pick(services), " for the ", rnd.pick(targets), " "} {
			r.b = append(r.b, s...)
		}
		r.b = append(append(r.b, rnd.pick(middles)...), '.')
	}
	if rnd.one(2) {
		r.b = append(append(r.b, sep...), rnd.pick(closings)...)
	}
	if g.o.Quirks {
		switch i % 23 {
		case 5:
			r.b = append(r.b, ` They call it the ""big one"", worth 5% more.`...)
		case 11:
			r.b = append(r.b, ` See <b>attachment</b> & reply by 9/30.`...)
		case 17:
			r.b = append(r.b, "\n\n- scope: naïve résumé screening\n- café on site, 40 °C in summer"...)
		}
	}
	if g.changed(i) {
		r.b = append(append(r.b, sep...), fmt.Sprintf("Updated after quarterly review %d.", g.o.Edition)...)
	}
	r.close()
}

// code writes capital letters and digits, as in identifiers of companies.
func (r *row) code(rnd *random, n int) {
	r.open()
	for v := rnd.next(); n > 0; n-- {
		r.b = append(r.b, base62[v%36])
		v /= 36
		if v == 0 {
			v = rnd.next()
		}
	}
	r.close()
}

// Package samgov imports contract opportunities of the United States government
// from SAM.gov.
//
// The public API has a quota of ten, a thousand or ten thousand requests a day,
// answers an empty search with 404, counts pages where it says records, gives only
// the latest version of a notice, writes "None" beside null, and wants another
// request for each description. This package asks for what an organization looks
// for ([Search]), in windows of days that fit into full pages, and checks that what
// came is as much as the service said there is. Descriptions follow, the most
// recent first, from what the quota leaves; a run whose quota is used up goes on
// after midnight in Washington. So do attachments, which cost none of it: their
// addresses are somebody else's, so that they get no key and only public ones are
// dialled.
//
// A notice (sam_notice) is what is published: a presolicitation, a solicitation,
// an amendment, an award. Notices with the same number make a solicitation
// (sam_solicitation), which stands above them. Attachments are assets below their
// notice; [Attachments] says which.
//
//	c, err := curatore.Open(ctx, config, samgov.New(samgov.Settings{
//		APIKey:    "env:SAM", // the variable CURATORE_SECRET_SAM
//		Searches:  []samgov.Search{{NAICS: "541512", SetAside: "SBA"}},
//		Extractor: local.New(), // the text of the attachments
//	}))
//	org, err := c.Organization(ctx, "acme", principal)
//	run, err := org.Import(ctx, "samgov")
package samgov

//go:generate go test . -run TestMigrationFiles -update

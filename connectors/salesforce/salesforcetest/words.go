package salesforcetest

// The vocabulary of the generated customer base. All of it can be written in
// windows-1252. Lists may grow at their ends only at the price of changing
// every generated export, the sample included.
var (
	agencies = []string{
		"Department of Veterans Affairs", "Department of Homeland Security", "Department of Energy",
		"Department of the Treasury", "Department of Justice", "Department of Labor", "Department of State",
		"Department of Transportation", "Department of Agriculture", "Department of Education",
		"Department of the Interior", "Department of Commerce", "Department of the Navy", "Department of the Army",
		"Department of the Air Force", "Defense Logistics Agency", "Defense Health Agency",
		"General Services Administration", "Social Security Administration", "Environmental Protection Agency",
		"Small Business Administration", "National Science Foundation", "Federal Aviation Administration",
		"Customs and Border Protection", "Internal Revenue Service", "National Institutes of Health",
		"Centers for Medicare and Medicaid Services", "National Park Service", "US Coast Guard", "US Census Bureau",
	}
	offices = []string{
		"Office of Information", "Office of Acquisition", "Office of the Chief Information Officer",
		"Office of Small Business Programs", "Office of Inspector General", "Cybersecurity Division",
		"Logistics Directorate", "Human Capital Office", "Enterprise Data Office", "Regional Contracting Office West",
		"Regional Contracting Office East", "Financial Management Service", "Benefits Administration",
		"Network Operations Center", "Research and Development Command", "Facilities Management Branch",
		"Records Management Division", "Mission Support Center", "Emergency Response Directorate", "Digital Service Team",
	}
	companyFirst = []string{
		"Summit", "Keystone", "Blue Ridge", "Ironwood", "Chesapeake", "Potomac", "Liberty", "Northstar", "Cascade",
		"Granite", "Patriot", "Redwood", "Silverline", "Tidewater", "Vanguard", "Beacon", "Cobalt", "Evergreen",
		"Frontier", "Harborview", "Lighthouse", "Meridian", "Pinnacle", "Sentinel", "Stonebridge", "Trailhead",
		"Waypoint", "Café Noir", "Société Générale", "São Paulo", "Zürich", "Montréal", "Ångström", "Peña", "Müller",
		"Horizon", "Juniper", "Kestrel", "Osprey", "Quantum",
	}
	companySecond = []string{
		"Analytics", "Aerospace", "Consulting", "Cyber Solutions", "Data Systems", "Defense Technologies", "Engineering",
		"Environmental Services", "Federal Group", "Government Solutions", "Health Systems", "Information Services",
		"Integrated Logistics", "Networks", "Research", "Robotics", "Security Partners", "Software", "Staffing",
		"Strategic Advisors", "Telecom", "Training Services", "Geospatial", "Construction", "Medical Supply",
	}
	companySuffix = []string{"LLC", "Inc.", "Corp.", "Group", "JV", "Partners", "Holdings", "Co."}

	governmentTypes = []string{"Customer - Federal", "Customer - Federal", "Prospect"}
	accountTypes    = []string{
		"Customer - Commercial", "Customer - State and Local", "Partner", "Prospect", "Subcontractor", "Vendor", "Competitor",
	}
	industries = []string{
		"Aerospace & Defense", "Technology", "Healthcare", "Consulting", "Engineering", "Education",
		"Energy", "Transportation", "Telecommunications", "Construction", "NA",
	}
	sources = []string{"GovWin", "Web", "Referral", "Trade Show", "SAM.gov", "Industry Day", "Incumbent", "Partner"}

	services = []string{
		"cloud migration", "zero trust architecture", "help desk support", "data analytics", "records digitization",
		"network modernization", "application development", "identity management", "claims processing",
		"fraud detection", "geospatial mapping", "logistics planning", "facility maintenance", "medical staffing",
		"training delivery", "satellite communications", "cyber threat hunting", "financial audit readiness",
		"grants management", "case management", "mobile device management", "supply chain visibility",
		"environmental remediation", "translation services", "machine learning operations", "data center consolidation",
		"penetration testing", "document scanning", "fleet telematics", "telehealth scheduling", "payroll modernization",
		"disaster recovery", "enterprise architecture", "user experience research", "software license management",
		"weather modeling", "border surveillance", "drone inspection", "body armor procurement", "vaccine distribution",
	}
	targets = []string{
		"benefits portal", "field offices", "legacy mainframe", "contact center", "electronic health record",
		"procurement system", "regional hospitals", "personnel database", "tactical networks", "case files",
		"public website", "grants platform", "warehouse operations", "flight operations", "shipyard",
		"visitor centers", "laboratories", "tax filing platform", "veterans clinics", "inspection program",
		"intelligence reports", "emergency dispatch", "airfield lighting", "pension accounts", "port security",
		"census survey", "student loan servicing", "water quality program", "vehicle fleet", "identity cards",
	}
	opportunityKinds = []string{
		"Cloud migration", "Modernization", "Sustainment", "Program management support", "Help desk", "Data platform",
		"Cybersecurity assessment", "Zero trust rollout", "Independent verification", "Training", "Staff augmentation",
		"Managed services", "Pilot", "Market research", "Recompete", "Option year extension", "Technical refresh",
		"Integration", "Digital transformation", "Research study",
	}
	vehicles = []string{
		"GSA MAS", "CIO-SP3", "OASIS+", "SEWP V", "Alliant 2", "8(a) STARS III", "VETS 2", "T4NG", "a blanket purchase agreement",
		"full and open competition", "a sole source award", "SeaPort NxG",
	}
	setAsides = []string{"8(a)", "HUBZone", "WOSB", "SDVOSB", "Total Small Business", "None", "NA"}
	nextSteps = []string{
		"Submit questions", "Schedule capability briefing", "Draft teaming agreement", "Review draft RFP",
		"Price to win session", "Await award notice", "Attend industry day", "Debrief with contracting officer",
	}

	openings = []string{
		"The incumbent contract covers", "The program office asked for", "We met the contracting officer about",
		"This requirement combines", "Our team already delivers", "The agency plans to expand", "The statement of work describes",
		"Leadership is concerned about", "A draft solicitation was released for", "The customer wants faster",
		"Two teaming partners can provide", "The budget request funds",
	}
	middles = []string{
		"and expects a smooth transition", "with a period of performance of five years", "under strict accessibility rules",
		"and prefers past performance in similar environments", "using agile delivery", "at several remote locations",
		"while keeping existing systems running", "within a FedRAMP High boundary", "and reports to a new deputy director",
		"with quarterly milestones", "and needs cleared personnel", "before the end of the fiscal year",
	}
	closings = []string{
		"Competition is expected from three large integrators.", "The evaluation favors technical approach over price.",
		"A site visit is planned for the spring.", "Small business participation is a graded factor.",
		"The award has been delayed twice by protests.", "Key personnel resumes are due with the proposal.",
		"Travel to the regional office may be required.", "The customer was satisfied with the last delivery.",
		"Funding depends on a continuing resolution.", "We should decide on bid or no bid next week.",
		"The transition plan must fit in ninety days.", "Oral presentations follow the down-select.",
	}

	firstNames = []string{
		"James", "Mary", "José", "Patricia", "Robert", "Linda", "Michael", "Elizabeth", "David", "Barbara", "Renée",
		"Richard", "Susan", "André", "Jessica", "Thomas", "Sarah", "Zoë", "Karen", "Carlos", "Lisa", "Daniel", "Nancy",
		"Matthew", "Sofía", "Anthony", "Margaret", "Mark", "Sandra", "Björn", "Ashley", "Steven", "Kimberly", "Paul",
		"Emily", "Andrew", "Donna", "Joshua", "Michelle", "Kenneth",
	}
	lastNames = []string{
		"Smith", "Johnson", "Williams", "Brown", "Jones", "García", "Miller", "Davis", "Rodríguez", "Martínez",
		"Hernández", "López", "González", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee",
		"Pérez", "Thompson", "White", "Harris", "Sánchez", "Clark", "Ramírez", "Lewis", "Robinson", "Walker", "Young",
		"Allen", "King", "Wright", "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker",
		"Hall", "Rivera", "Campbell", "Mitchell", "Carter", "Roberts", "Núñez", "O'Brien", "Müller", "Dvorak", "Lefèvre",
	}
	titles = []string{
		"Contracting Officer", "Program Manager", "Chief Information Officer", "Small Business Specialist",
		"Deputy Director", "Contract Specialist", "Technical Lead", "VP, Federal Programs", "Capture Manager",
		"Director of Operations", "Security Engineer", "Budget Analyst",
	}
	departments = []string{"Acquisition", "Information Technology", "Operations", "Finance", "Security", "Business Development", "NA"}
	streets     = []string{"Independence Avenue", "Main Street", "Patriot Way", "Market Street", "K Street NW", "Technology Drive", "Harbor Boulevard", "University Road"}
	cities      = []place{
		{"Washington", "DC", "20001"}, {"Arlington", "VA", "22202"}, {"Reston", "VA", "20190"}, {"Bethesda", "MD", "20814"},
		{"Baltimore", "MD", "21201"}, {"Austin", "TX", "78701"}, {"San Diego", "CA", "92101"}, {"Huntsville", "AL", "35801"},
		{"Colorado Springs", "CO", "80903"}, {"San Antonio", "TX", "78205"}, {"Seattle", "WA", "98101"}, {"Boston", "MA", "02108"},
		{"Tampa", "FL", "33602"}, {"Kansas City", "MO", "64106"}, {"Albuquerque", "NM", "87102"}, {"San Juan", "PR", "00901"},
		{"Honolulu", "HI", "96813"}, {"Española", "NM", "87532"}, {"Dayton", "OH", "45402"}, {"Norfolk", "VA", "23510"},
	}

	// headerOnly are objects that every export holds and most organizations do
	// not use: a file with a header and no rows.
	headerOnly = []string{
		"AccountContactRelation", "AccountFeed", "AccountHistory", "AccountPartner", "AccountShare", "AccountTeamMember",
		"Approval", "Asset", "AssetRelationship", "Attachment", "BusinessHours", "BusinessProcess", "CallCenter", "Campaign",
		"CampaignMember", "CampaignMemberStatus", "Case", "CaseComment", "CaseContactRole", "CaseHistory", "CaseSolution",
		"ContactFeed", "ContactHistory", "ContactShare", "ContentVersion", "Contract", "ContractContactRole", "ContractHistory",
		"Document", "EmailMessage", "EmailTemplate", "Entitlement", "Event", "FeedComment", "FeedItem", "Folder", "Group",
		"GroupMember", "Holiday", "Idea", "Lead", "LeadHistory", "Note", "OpportunityCompetitor", "OpportunityFeed",
		"OpportunityLineItem", "OpportunityPartner", "OpportunityShare", "OpportunityTeamMember", "Order", "OrderItem", "Partner",
		"Period", "Pricebook2", "PricebookEntry", "Product2", "Profile", "Quote", "QuoteLineItem", "RecordType", "Report",
		"Solution", "Task", "Territory", "User", "UserRole", "VoteHistory__c",
	}
)

type place struct{ city, state, zip string }

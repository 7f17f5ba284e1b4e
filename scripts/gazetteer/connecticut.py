"""Connecticut's 169 towns: the county they lay in until 2021 and the planning region that is the county equivalent
since 2022 (public facts, written out by hand; the Census Bureau's notice is 87 FR 34235)."""

OLD = {
    "09001": "Fairfield County", "09003": "Hartford County", "09005": "Litchfield County", "09007": "Middlesex County",
    "09009": "New Haven County", "09011": "New London County", "09013": "Tolland County", "09015": "Windham County",
}
REGIONS = {
    "09110": "Capitol Planning Region", "09120": "Greater Bridgeport Planning Region",
    "09130": "Lower Connecticut River Valley Planning Region", "09140": "Naugatuck Valley Planning Region",
    "09150": "Northeastern Connecticut Planning Region", "09160": "Northwest Hills Planning Region",
    "09170": "South Central Connecticut Planning Region", "09180": "Southeastern Connecticut Planning Region",
    "09190": "Western Connecticut Planning Region",
}
_OLD = {
    "09001": "Bethel Bridgeport Brookfield Danbury Darien Easton Fairfield Greenwich Monroe New_Canaan New_Fairfield Newtown Norwalk Redding Ridgefield Shelton Sherman Stamford Stratford Trumbull Weston Westport Wilton",
    "09003": "Avon Berlin Bloomfield Bristol Burlington Canton East_Granby East_Hartford East_Windsor Enfield Farmington Glastonbury Granby Hartford Hartland Manchester Marlborough New_Britain Newington Plainville Rocky_Hill Simsbury South_Windsor Southington Suffield West_Hartford Wethersfield Windsor Windsor_Locks",
    "09005": "Barkhamsted Bethlehem Bridgewater Canaan Colebrook Cornwall Goshen Harwinton Kent Litchfield Morris New_Hartford New_Milford Norfolk North_Canaan Plymouth Roxbury Salisbury Sharon Thomaston Torrington Warren Washington Watertown Winchester Woodbury",
    "09007": "Chester Clinton Cromwell Deep_River Durham East_Haddam East_Hampton Essex Haddam Killingworth Middlefield Middletown Old_Saybrook Portland Westbrook",
    "09009": "Ansonia Beacon_Falls Bethany Branford Cheshire Derby East_Haven Guilford Hamden Madison Meriden Middlebury Milford Naugatuck New_Haven North_Branford North_Haven Orange Oxford Prospect Seymour Southbury Wallingford Waterbury West_Haven Wolcott Woodbridge",
    "09011": "Bozrah Colchester East_Lyme Franklin Griswold Groton Lebanon Ledyard Lisbon Lyme Montville New_London North_Stonington Norwich Old_Lyme Preston Salem Sprague Stonington Voluntown Waterford",
    "09013": "Andover Bolton Columbia Coventry Ellington Hebron Mansfield Somers Stafford Tolland Union Vernon Willington",
    "09015": "Ashford Brooklyn Canterbury Chaplin Eastford Hampton Killingly Plainfield Pomfret Putnam Scotland Sterling Thompson Windham Woodstock",
}
_NEW = {
    "09110": "Andover Avon Berlin Bloomfield Bolton Canton Columbia Coventry East_Granby East_Hartford East_Windsor Ellington Enfield Farmington Glastonbury Granby Hartford Hebron Manchester Mansfield Marlborough New_Britain Newington Plainville Rocky_Hill Simsbury Somers South_Windsor Southington Stafford Suffield Tolland Vernon West_Hartford Wethersfield Willington Windsor Windsor_Locks",
    "09120": "Bridgeport Easton Fairfield Monroe Stratford Trumbull",
    "09130": "Chester Clinton Cromwell Deep_River Durham East_Haddam East_Hampton Essex Haddam Killingworth Lyme Middlefield Middletown Old_Lyme Old_Saybrook Portland Westbrook",
    "09140": "Ansonia Beacon_Falls Bethlehem Bristol Cheshire Derby Middlebury Naugatuck Oxford Plymouth Prospect Seymour Shelton Southbury Thomaston Waterbury Watertown Wolcott Woodbury",
    "09150": "Ashford Brooklyn Canterbury Chaplin Eastford Hampton Killingly Plainfield Pomfret Putnam Scotland Sterling Thompson Union Voluntown Woodstock",
    "09160": "Barkhamsted Burlington Canaan Colebrook Cornwall Goshen Hartland Harwinton Kent Litchfield Morris New_Hartford Norfolk North_Canaan Roxbury Salisbury Sharon Torrington Warren Washington Winchester",
    "09170": "Bethany Branford East_Haven Guilford Hamden Madison Meriden Milford New_Haven North_Branford North_Haven Orange Wallingford West_Haven Woodbridge",
    "09180": "Bozrah Colchester East_Lyme Franklin Griswold Groton Lebanon Ledyard Lisbon Montville New_London North_Stonington Norwich Preston Salem Sprague Stonington Waterford Windham",
    "09190": "Bethel Bridgewater Brookfield Danbury Darien Greenwich New_Canaan New_Fairfield New_Milford Newtown Norwalk Redding Ridgefield Sherman Stamford Weston Westport Wilton",
}


def _towns(table):
    return {t.replace("_", " "): code for code, names in table.items() for t in names.split()}


_old, _new = _towns(_OLD), _towns(_NEW)
assert len(_old) == len(_new) == 169 and set(_old) == set(_new), (len(_old), len(_new), set(_old) ^ set(_new))
TOWNS = {t: (_old[t], _new[t]) for t in _old}
# Villages and post offices that bear another name than their town.
VILLAGES = {
    "Storrs": "Mansfield", "Storrs Mansfield": "Mansfield", "Mansfield Center": "Mansfield", "Mansfield Depot": "Mansfield", "Mystic": "Stonington", "Willimantic": "Windham",
    "North Windham": "Windham", "South Windham": "Windham", "Rockville": "Vernon", "Vernon Rockville": "Vernon", "Danielson": "Killingly", "Dayville": "Killingly", "Ballouville": "Killingly",
    "Rogers": "Killingly", "East Killingly": "Killingly", "Jewett City": "Griswold", "Terryville": "Plymouth", "Pequabuck": "Plymouth", "Winsted": "Winchester", "Winchester Center": "Winchester",
    "Sandy Hook": "Newtown", "Botsford": "Newtown", "Hawleyville": "Newtown", "Uncasville": "Montville", "Oakdale": "Montville", "Niantic": "East Lyme", "Unionville": "Farmington",
    "Collinsville": "Canton", "Canton Center": "Canton", "North Canton": "Canton", "Tariffville": "Simsbury", "Weatogue": "Simsbury", "West Simsbury": "Simsbury", "Oakville": "Watertown",
    "Moodus": "East Haddam", "Higganum": "Haddam", "Haddam Neck": "Haddam", "Ivoryton": "Essex", "Centerbrook": "Essex", "Rockfall": "Middlefield", "Cobalt": "East Hampton", "Middle Haddam": "East Hampton",
    "Pawcatuck": "Stonington", "Old Mystic": "Stonington", "Gales Ferry": "Ledyard", "Mashantucket": "Ledyard", "Baltic": "Sprague", "Hanover": "Sprague", "Versailles": "Sprague", "Taftville": "Norwich", "Yantic": "Norwich",
    "Quaker Hill": "Waterford", "South Lyme": "Old Lyme", "Hadlyme": "Lyme", "Moosup": "Plainfield", "Wauregan": "Plainfield", "Central Village": "Plainfield", "Oneco": "Sterling",
    "North Grosvenordale": "Thompson", "Grosvenor Dale": "Thompson", "Quinebaug": "Thompson", "Fabyan": "Thompson", "Pomfret Center": "Pomfret", "Abington": "Pomfret", "Woodstock Valley": "Woodstock",
    "South Woodstock": "Woodstock", "Warrenville": "Ashford", "Stafford Springs": "Stafford", "Staffordville": "Stafford", "Somersville": "Somers", "Amston": "Hebron", "Broad Brook": "East Windsor",
    "Windsorville": "East Windsor", "Poquonock": "Windsor", "West Suffield": "Suffield", "Kensington": "Berlin", "East Berlin": "Berlin", "Plantsville": "Southington", "Milldale": "Southington", "Marion": "Southington",
    "South Glastonbury": "Glastonbury", "East Glastonbury": "Glastonbury", "North Granby": "Granby", "West Granby": "Granby", "East Hartland": "Hartland", "West Hartland": "Hartland", "Riverton": "Barkhamsted",
    "Pleasant Valley": "Barkhamsted", "Pine Meadow": "New Hartford", "Bakersville": "New Hartford", "Bantam": "Litchfield", "Northfield": "Litchfield", "Lakeside": "Morris", "Lakeville": "Salisbury", "Taconic": "Salisbury",
    "Lime Rock": "Salisbury", "Falls Village": "Canaan", "South Canaan": "Canaan", "East Canaan": "North Canaan", "Cornwall Bridge": "Cornwall", "West Cornwall": "Cornwall", "South Kent": "Kent", "Gaylordsville": "New Milford",
    "Washington Depot": "Washington", "New Preston": "Washington", "New Preston Marble Dale": "Washington", "Marble Dale": "Washington", "South Britain": "Southbury", "Riverside": "Greenwich", "Cos Cob": "Greenwich", "Old Greenwich": "Greenwich",
    "Byram": "Greenwich", "Glenville": "Greenwich", "Georgetown": "Redding", "West Redding": "Redding", "Redding Ridge": "Redding", "Southport": "Fairfield", "South Norwalk": "Norwalk", "Rowayton": "Norwalk", "Noroton": "Darien",
    "Noroton Heights": "Darien", "Huntington": "Shelton", "Stevenson": "Monroe", "Northford": "North Branford", "Yalesville": "Wallingford", "Stony Creek": "Branford", "Short Beach": "Branford", "Pine Orchard": "Branford",
    "Devon": "Milford", "Woodmont": "Milford", "Forestville": "Bristol", "Union City": "Naugatuck", "Groton Long Point": "Groton", "Noank": "Groton", "West Mystic": "Groton", "Conning Towers Nautilus Park": "Groton", "Poquonock Bridge": "Groton", "Long Hill": "Trumbull",
    "Nichols": "Trumbull", "Lordship": "Stratford", "Elmwood": "West Hartford", "Bishops Corner": "West Hartford", "Oxoboxo River": "Montville", "Cheshire Village": "Cheshire", "Sherwood Manor": "Enfield", "Thompsonville": "Enfield", "Hazardville": "Enfield", "Southwood Acres": "Enfield",
    "Crystal Lake": "Ellington", "Salmon Brook": "Granby", "Blue Hills": "Bloomfield", "North Bloomfield": "Bloomfield", "Saybrook Manor": "Old Saybrook", "Fenwick": "Old Saybrook", "West Torrington": "Torrington", "Northwest Harwinton": "Harwinton", "Woodbury Center": "Woodbury", "South Coventry": "Coventry", "Coventry Lake": "Coventry",
    "Fitchville": "Bozrah", "Gilman": "Bozrah", "North Franklin": "Franklin", "Glasgo": "Griswold", "Lake Pocotopaug": "East Hampton", "Daniels Farm": "Trumbull", "Candlewood Lake": "Brookfield", "Cannondale": "Wilton", "Plattsville": "Easton",
}

"""Hand-made documents in the published structure of each format; synthetic: no such patents exist."""

from __future__ import annotations

ICE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE us-patent-grant SYSTEM "us-patent-grant-v45-2014-04-03.dtd" [ ]>
<us-patent-grant lang="EN" dtd-version="v4.5 2014-04-03" country="US" date-publ="20200107">
<us-bibliographic-data-grant>
<publication-reference><document-id><country>US</country><doc-number>{number:08d}</doc-number><kind>B2</kind><date>20200107</date></document-id></publication-reference>
<application-reference appl-type="utility"><document-id><country>US</country><doc-number>15{number:06d}</doc-number><date>20170302</date></document-id></application-reference>
<us-application-series-code>15</us-application-series-code>
<priority-claims><priority-claim sequence="01" kind="national"><country>JP</country><doc-number>2016-1</doc-number><date>20160303</date></priority-claim></priority-claims>
<classifications-ipcr><classification-ipcr><section>H</section><class>04</class><subclass>L</subclass><main-group>9</main-group><subgroup>32</subgroup><classification-value>I</classification-value></classification-ipcr></classifications-ipcr>
<classifications-cpc><main-cpc><classification-cpc><section>H</section><class>04</class><subclass>L</subclass><main-group>9</main-group><subgroup>3247</subgroup><classification-value>I</classification-value></classification-cpc></main-cpc></classifications-cpc>
<classification-national><country>US</country><main-classification>709228</main-classification></classification-national>
<invention-title id="t">Synthetic device &amp; method</invention-title>
<us-references-cited>
{citations}
<us-citation><nplcit num="00099"><othercit>A synthetic article.</othercit></nplcit><category>cited by applicant</category></us-citation>
</us-references-cited>
<number-of-claims>2</number-of-claims>
<us-related-documents><related-publication><document-id><country>US</country><doc-number>20180001234</doc-number><kind>A1</kind><date>20180906</date></document-id></related-publication></us-related-documents>
<us-parties><us-applicants><us-applicant app-type="applicant"><addressbook><orgname>Synthetic Widgets, Inc.</orgname><address><city>Nowhere</city><country>US</country></address></addressbook></us-applicant></us-applicants>
<inventors><inventor><addressbook><last-name>Sample</last-name><first-name>Syn T.</first-name><address><country>US</country></address></addressbook></inventor></inventors></us-parties>
<assignees><assignee><addressbook><orgname>Synthetic Widgets, Inc.</orgname><address><country>US</country></address></addressbook></assignee></assignees>
</us-bibliographic-data-grant>
<abstract id="abstract"><p>A synthetic abstract.</p></abstract>
<description id="description"><p>{text}</p></description>
<claims id="claims">
<claim id="CLM-00001" num="00001"><claim-text>1. A device, comprising: <claim-text>a sensor; and</claim-text> <claim-text>a module.</claim-text></claim-text></claim>
<claim id="CLM-00002" num="00002"><claim-text>2. The device of <claim-ref idref="CLM-00001">claim 1</claim-ref>, wherein the sensor is synthetic.</claim-text></claim>
</claims>
</us-patent-grant>
"""

CITATION = (
    '<us-citation><patcit num="{place:05d}"><document-id><country>US</country><doc-number>{number}</doc-number><kind>B2</kind>'
    "<name>Other</name><date>20101100</date></document-id></patcit><category>cited by examiner</category></us-citation>"
)

GREENBOOK = """PATN
WKU  090000015
SRC  5
APN  1234567
APT  1
APD  19741029
TTL  Synthetic bumper
      support
ISD  19760210
NCL  2
INVT
NAM  Sample; Syn T.
CTY  Nowhere
STA  IA
ASSG
NAM  Synthetic Corporation
CTY  Kyoto
CNT  JPX
COD  03
PRIR
CNT  JPX
APD  19731030
APN  48/1
CLAS
OCL  224 4207
ICL  B60R  900
UREF
PNO  2542907
ISD  19510200
NAM  Other
FREF
PNO  1234567
ISD  19600100
CNT  GBX
OREF
PAL  A synthetic book.
ABST
PAL  A synthetic
      abstract.
BSUM
PAR  Summary.
DETD
PAR  Detail.
CLMS
STM  What is claimed is:
NUM  1.
PAR  1. A support, comprising a bar.
NUM  2.
PAR  2. The support of claim 1, wherein
      the bar is bent.
"""

PAP = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE patent-application-publication SYSTEM "pap-v15-2001-01-31.dtd" []>
<patent-application-publication>
<subdoc-bibliographic-information>
<document-id><doc-number>20010900001</doc-number><kind-code>A1</kind-code><document-date>20010315</document-date></document-id>
<domestic-filing-data><application-number><doc-number>09342866</doc-number></application-number>
<application-number-series-code>09</application-number-series-code><filing-date>19990629</filing-date></domestic-filing-data>
<technical-information><classification-ipc><classification-ipc-primary><ipc>G06F017/60</ipc></classification-ipc-primary></classification-ipc>
<classification-us><classification-us-primary><uspc><class>705</class><subclass>026000</subclass></uspc></classification-us-primary></classification-us>
<title-of-invention>Synthetic system &mdash; &alpha; &agr; &nosuchname;</title-of-invention></technical-information>
<continuity-data><division-of><parent-child><parent><document-id><doc-number>08</doc-number><document-date>19980102</document-date></document-id></parent></parent-child></division-of></continuity-data>
<inventors><first-named-inventor><name><given-name>Syn</given-name><family-name>Sample</family-name></name>
<residence><residence-us><city>Nowhere</city><country-code>US</country-code></residence-us></residence></first-named-inventor></inventors>
<assignee><organization-name>SYNTHETIC CO., LTD.</organization-name><assignee-type>03</assignee-type></assignee>
</subdoc-bibliographic-information>
<subdoc-abstract><paragraph>Synthetic abstract.</paragraph></subdoc-abstract>
<subdoc-claims><claim id="CLM-00001"><claim-text>1. A method for testing, comprising a step.</claim-text></claim>
<claim id="CLM-00002"><claim-text>2. The method of <dependent-claim-reference depends_on="CLM-00001"><claim-text>claim 1</claim-text></dependent-claim-reference>, twice.</claim-text></claim></subdoc-claims>
</patent-application-publication>
"""

PATDOC = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE PATDOC SYSTEM "ST32-US-Grant-025xml.dtd" [
<!ENTITY PIC.TIF SYSTEM "PIC.TIF" NDATA TIF>
]>
<PATDOC DTD="2.5" STATUS="Build 20020101"><SDOBI>
<B100><B110><DNUM><PDAT>09000002</PDAT></DNUM></B110><B130><PDAT>B1</PDAT></B130><B140><DATE><PDAT>20020101</PDAT></DATE></B140></B100>
<B200><B210><DNUM><PDAT>09413215</PDAT></DNUM></B210><B211US><PDAT>09</PDAT></B211US><B220><DATE><PDAT>19991005</PDAT></DATE></B220></B200>
<B300><B310><DNUM><PDAT>971605</PDAT></DNUM></B310><B320><DATE><PDAT>19970408</PDAT></DATE></B320></B300>
<B500><B510><B511><PDAT>G06F 1516</PDAT></B511></B510><B520><B521><PDAT>709202</PDAT></B521></B520>
<B540><STEXT><PDAT>Synthetic arrangement</PDAT></STEXT></B540>
<B560><B561><PCIT><DOC><DNUM><PDAT>5825759</PDAT></DNUM><DATE><PDAT>19981000</PDAT></DATE><KIND><PDAT>A</PDAT></KIND></DOC></PCIT><CITED-BY-EXAMINER/></B561>
<B562><NCIT><STEXT><PDAT>A synthetic paper.</PDAT></STEXT></NCIT><CITED-BY-OTHER/></B562></B560>
<B570><B577><PDAT>1</PDAT></B577></B570></B500>
<B700><B720><B721><PARTY-US><NAM><FNM><PDAT>Syn</PDAT></FNM><SNM><STEXT><PDAT>Sample</PDAT></STEXT></SNM></NAM><ADR><CTRY><PDAT>NO</PDAT></CTRY></ADR></PARTY-US></B721></B720>
<B730><B731><PARTY-US><NAM><ONM><STEXT><PDAT>Synthetic AS</PDAT></STEXT></ONM></NAM></PARTY-US></B731></B730></B700>
</SDOBI><SDOCL><CL><CLM ID="CLM-00001"><PARA><PTEXT><PDAT>1. An arrangement comprising a node.</PDAT></PTEXT></PARA></CLM></CL></SDOCL></PATDOC>
"""

ASSIGNMENTS = """<?xml version="1.0" encoding="UTF-8"?>
<us-patent-assignments><patent-assignments>
<patent-assignment><assignment-record><reel-no>90001</reel-no><frame-no>17</frame-no><recorded-date><date>20200203</date></recorded-date>
<conveyance-text>SECURITY INTEREST (SEE DOCUMENT FOR DETAILS).</conveyance-text></assignment-record>
<patent-assignors><patent-assignor><name>SYNTHETIC WIDGETS, INC.</name><execution-date><date>20200130</date></execution-date></patent-assignor></patent-assignors>
<patent-assignees><patent-assignee><name>SYNTHETIC BANK, N.A.</name><city>NOWHERE</city></patent-assignee></patent-assignees>
<patent-properties><patent-property><document-id><country>US</country><doc-number>15000001</doc-number><kind>X0</kind></document-id>
<document-id><country>US</country><doc-number>9000001</doc-number><kind>B2</kind></document-id></patent-property></patent-properties></patent-assignment>
<patent-assignment><assignment-record><reel-no>90002</reel-no><frame-no>18</frame-no><recorded-date><date>20220203</date></recorded-date>
<conveyance-text>RELEASE BY SECURED PARTY</conveyance-text></assignment-record>
<patent-assignors><patent-assignor><name>SYNTHETIC BANK, N.A.</name><execution-date><date>20220130</date></execution-date></patent-assignor></patent-assignors>
<patent-assignees><patent-assignee><name>SYNTHETIC WIDGETS, INC.</name></patent-assignee></patent-assignees>
<patent-properties><patent-property><document-id><country>US</country><doc-number>9000001</doc-number><kind>B2</kind></document-id></patent-property></patent-properties></patent-assignment>
</patent-assignments></us-patent-assignments>
"""


def ice(number: int, *, citations: int = 2, text: str = "A synthetic description.") -> str:
    """Return a synthetic grant in XML v4.5."""
    cited = "\n".join(
        CITATION.format(place=place, number=8_000_000 + number % 1000 + place) for place in range(citations)
    )
    return ICE.format(number=number, citations=cited, text=text)

import CountersignAdmin
import Testing

/// Forms of the pages.
struct FormFieldsTests {
    @Test func `a form is read with its plus signs and percent signs`() {
        let fields = FormFields("a=1+2&b=%C3%A4%26&c=&d&e=x=y&a=second&broken=%zz")
        #expect(fields["a"] == "1 2" && fields["b"] == "ä&" && fields["c"] == nil && fields["d"] == nil)
        #expect(fields["e"] == "x=y" && fields["broken"] == "%zz")
    }
}

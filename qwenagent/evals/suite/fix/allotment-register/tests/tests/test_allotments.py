from datetime import date, timedelta

import pytest
from allotments import (
    AllotmentRegister,
    Plot,
    RegisterError,
    Tenancy,
    format_amount,
)

DAY = date(2024, 3, 1)
JANUARY = date(2024, 1, 10)


def society(members=3, plots=4):
    """Return a register with members 1, 2, ... and plots P1, P2, ... of 100 square metres."""
    register = AllotmentRegister()
    names = ("Ruth Ames", "Omar Bell", "Lena Cole", "Tom Dunn")
    for name in names[:members]:
        register.add_member(name, date(2020, 1, 1))
    for number in range(1, plots + 1):
        register.add_plot(f"P{number}", 100, 24)
    return register


def invoices(register, member, amounts, day=JANUARY):
    for amount in amounts:
        register.issue_invoice(member, "Compost", amount, day)


# Members


def test_members_are_numbered_and_cleaned():
    register = society(2)
    member = register.add_member("  Nia   Egan ", DAY, " Nia@Example.ORG ")
    assert (member.number, member.name, member.email) == (3, "Nia Egan", "nia@example.org")
    with pytest.raises(RegisterError, match="a member needs a name"):
        register.add_member("  ", DAY)


def test_change_and_find_members():
    register = society()
    register.change_member(2, name="Omar Bell-Ford", email="OB@example.org")
    assert [member.number for member in register.find_members("FORD")] == [2]
    assert [member.number for member in register.find_members("ob@")] == [2]
    assert register.member(2).name == "Omar Bell-Ford"


def test_active_members_by_name():
    register = society()
    register.leave(1, date(2024, 5, 31))
    assert [member.name for member in register.active_members(date(2024, 5, 31))] == [
        "Lena Cole",
        "Omar Bell",
        "Ruth Ames",
    ]
    assert len(register.active_members(date(2024, 6, 1))) == 2


def test_leaving_needs_a_clean_slate():
    register = society()
    register.let_plot("P1", 1, DAY)
    with pytest.raises(RegisterError, match="still rents a plot"):
        register.leave(1, DAY)
    register.end_tenancy("P1", DAY)
    register.issue_key(7, 1, DAY)
    with pytest.raises(RegisterError, match="still has a key"):
        register.leave(1, DAY + timedelta(days=1))
    register.report_lost_key(7)
    with pytest.raises(RegisterError, match="Ruth Ames owes 15.00"):
        register.leave(1, DAY + timedelta(days=1))


# Plots and tenancies


def test_plots_ignore_case_and_refuse_doubles():
    register = society()
    assert register.plot(" p1 ") == Plot("P1", 100, 24)
    with pytest.raises(RegisterError, match="plot P1 exists already"):
        register.add_plot("p1", 50, 20)
    with pytest.raises(RegisterError, match="no plot X9"):
        register.plot("x9")


def test_split_plot():
    register = society(plots=1)
    first, second = register.split_plot("P1", 40)
    assert (first, second) == (Plot("P1A", 40, 24), Plot("P1B", 60, 24))
    assert [plot.code for plot in register.free_plots(DAY)] == ["P1A", "P1B"]


def test_let_and_free_plots():
    register = society()
    register.let_plot("P2", 1, DAY)
    assert register.tenant_of("p2", DAY) == 1
    assert register.tenant_of("P2", DAY - timedelta(days=1)) is None
    assert [plot.code for plot in register.free_plots(DAY)] == ["P1", "P3", "P4"]
    assert register.let_area(DAY) == 100
    with pytest.raises(RegisterError, match="plot P2 is let"):
        register.let_plot("P2", 2, DAY)


def test_no_more_than_two_plots():
    register = society()
    register.let_plot("P1", 1, DAY)
    register.let_plot("P2", 1, DAY)
    with pytest.raises(RegisterError, match="Ruth Ames already has 2 plots"):
        register.let_plot("P3", 1, DAY)


def test_transfer_plot():
    register = society()
    register.let_plot("P1", 1, DAY)
    register.transfer_plot("P1", 2, date(2024, 7, 1))
    assert register.tenant_of("P1", date(2024, 6, 30)) == 1
    assert register.tenant_of("P1", date(2024, 7, 1)) == 2
    assert register.past_tenants("P1") == [1, 2]


def test_waiting_list():
    register = society()
    assert [register.join_waiting_list(number, DAY) for number in (2, 1, 3)] == [1, 2, 3]
    register.leave_waiting_list(1)
    assert register.waiting_position(3) == 2
    assert register.offer_plot("P1", DAY) == Tenancy("P1", 2, DAY)
    assert register.waiting_position(3) == 1
    assert register.waiting_position(2) is None


# Rent and invoices


def test_months_of_a_tenancy():
    tenancy = Tenancy("P1", 1, date(2023, 11, 30), date(2024, 2, 1))
    assert [tenancy.months_in(year) for year in (2022, 2023, 2024, 2025)] == [0, 2, 2, 0]


def test_rent_with_and_without_water():
    register = society()
    tenancy = register.let_plot("P1", 1, date(2024, 4, 15))
    assert register.rent_for(tenancy, 2024) == 1800
    assert register.rent_for(tenancy, 2025) == 2400
    register.lay_on_water("P1")
    assert register.rent_for(tenancy, 2025) == 4200


def test_invoices_are_numbered_by_year():
    register = society()
    invoices(register, 1, [500, 600])
    invoices(register, 2, [700], date(2025, 2, 1))
    assert [invoice.number for invoice in register.invoices_of(1)] == ["2024-1", "2024-2"]
    assert register.invoice("2025-1").amount == 700
    with pytest.raises(RegisterError, match="no invoice 2025-2"):
        register.invoice("2025-2")


def test_bill_rent_by_plot():
    register = society()
    for code, member in (("P3", 1), ("P1", 2), ("P2", 1)):
        register.let_plot(code, member, date(2023, 1, 1))
    billed = register.bill_rent(2024, JANUARY)
    assert [(invoice.text, invoice.member) for invoice in billed] == [
        ("Rent 2024, plot P1", 2),
        ("Rent 2024, plot P2", 1),
        ("Rent 2024, plot P3", 1),
    ]


def test_cancelled_invoice_becomes_credit():
    register = society()
    invoices(register, 1, [500, 600])
    register.record_payment(1, 800, DAY)
    register.cancel_invoice("2024-1")
    assert register.invoice("2024-2").open_amount == 0
    assert register.credit_of(1) == 200


# Payments


def test_payment_settles_the_oldest_invoice_first():
    register = society()
    invoices(register, 1, [500], date(2024, 2, 1))
    invoices(register, 1, [600, 700])
    settled = register.record_payment(1, 1000, DAY)
    assert [invoice.number for invoice in settled] == ["2024-2"]
    assert [invoice.open_amount for invoice in register.invoices_of(1)] == [500, 0, 300]


def test_invoice_of_last_year_is_settled_first():
    register = society()
    invoices(register, 1, [500], date(2024, 1, 2))
    invoices(register, 1, [600], date(2023, 12, 30))
    assert [i.number for i in register.record_payment(1, 600, DAY)] == ["2023-1"]


def test_payments_in_a_year_with_many_invoices():
    register = society()
    invoices(register, 2, [100] * 7)
    invoices(register, 1, [500, 600, 700])
    settled = register.record_payment(1, 1100, DAY)
    assert [invoice.number for invoice in settled] == ["2024-8", "2024-9"]
    assert register.statement(1) == [
        "Ruth Ames, member 1",
        "2024-8 Compost: 5.00, paid",
        "2024-9 Compost: 6.00, paid",
        "2024-10 Compost: 7.00, open 7.00",
        "Balance -7.00",
    ]


def test_credit_is_used_for_the_first_invoice_of_the_day():
    register = society()
    invoices(register, 2, [100] * 98)
    invoices(register, 1, [400, 400])
    register.record_payment(1, 250, DAY)
    assert register.invoice("2024-99").paid == 250
    assert register.invoice("2024-100").paid == 0


def test_payment_beyond_the_invoices_is_credit():
    register = society()
    invoices(register, 1, [500])
    register.record_payment(1, 800, DAY)
    assert (register.credit_of(1), register.balance(1)) == (300, 300)
    invoices(register, 1, [200], DAY)
    assert register.open_invoices(1) == []
    assert register.refund(1) == 100
    assert register.balance(1) == 0


def test_income_between_two_days():
    register = society()
    for day in (JANUARY, DAY, date(2025, 1, 1)):
        register.record_payment(1, 100, day)
    assert register.income(JANUARY, DAY) == 200


# Reminders


def test_invoice_is_overdue_after_the_day_it_is_due():
    register = society()
    invoices(register, 1, [500])
    due = JANUARY + timedelta(days=30)
    assert register.overdue(due) == []
    assert register.overdue(due + timedelta(days=1)) == register.invoices_of(1)


def test_second_reminder_costs_a_fee():
    register = society()
    invoices(register, 1, [500])
    assert register.send_reminders(DAY) == ["2024-1 Ruth Ames: 5.00"]
    assert register.send_reminders(DAY) == ["2024-1 Ruth Ames: 8.00"]


def test_reminders_in_the_order_of_the_invoices():
    register = society()
    for _ in range(4):
        invoices(register, 1, [100])
        invoices(register, 2, [200])
        invoices(register, 3, [300])
    register.record_payment(2, 800, DAY)
    letters = register.send_reminders(DAY)
    assert [letter.split()[0] for letter in letters] == [
        f"2024-{sequence}" for sequence in (1, 3, 4, 6, 7, 9, 10, 12)
    ]


# Keys, inspections, work


def test_key_deposit_comes_back():
    register = society()
    register.issue_key(7, 1, JANUARY)
    register.record_payment(1, 1500, DAY)
    assert register.keys_of(1) == [7]
    with pytest.raises(RegisterError, match="key 7 is handed out"):
        register.issue_key(7, 2, DAY)
    register.return_key(7, DAY)
    assert register.keys_of(1) == []
    assert register.credit_of(1) == 1500


def test_lost_key_is_not_handed_out_again():
    register = society()
    register.issue_key(7, 1, JANUARY)
    register.report_lost_key(7)
    with pytest.raises(RegisterError, match="key 7 is lost"):
        register.issue_key(7, 2, DAY)
    with pytest.raises(RegisterError, match="key 7 is not handed out"):
        register.return_key(7, DAY)


def test_warnings_in_a_row():
    register = society()
    register.let_plot("P1", 1, JANUARY)
    for month, tidy in ((7, False), (5, True), (6, False), (4, False)):
        register.record_inspection("P1", date(2024, month, 1), tidy=tidy)
    assert register.warnings("P1") == 2
    assert register.neglected_plots(date(2024, 7, 2)) == ["P1"]


def test_missing_hours_are_billed():
    register = society()
    register.let_plot("P1", 1, JANUARY)
    register.let_plot("P2", 2, JANUARY)
    register.record_work(1, DAY, 4)
    register.record_work(2, DAY, 6)
    assert register.missing_hours(2024) == {1: 2}
    billed = register.bill_missing_hours(2024, date(2025, 1, 5))
    assert [(invoice.text, invoice.amount) for invoice in billed] == [
        ("2 hours of work 2024", 1600)
    ]


# Reports


def test_plot_list():
    register = society(plots=2)
    register.let_plot("P1", 3, JANUARY)
    register.lay_on_water("P2")
    assert register.plot_list(DAY) == ["P1 100 m2: Lena Cole", "P2 100 m2, water: free"]


def test_debtors():
    register = society()
    invoices(register, 1, [500])
    invoices(register, 2, [900])
    invoices(register, 3, [500])
    assert register.debtors() == [("Omar Bell", 900), ("Lena Cole", 500), ("Ruth Ames", 500)]


def test_year_summary():
    register = society()
    register.let_plot("P1", 1, JANUARY)
    invoices(register, 1, [500, 600])
    register.cancel_invoice("2024-2")
    register.record_payment(1, 500, DAY)
    register.record_work(1, DAY, 3)
    register.join_waiting_list(2, DAY)
    assert register.year_summary(2024) == {
        "members": 3,
        "plots let": 1,
        "waiting": 1,
        "billed": 500,
        "income": 500,
        "work hours": 3,
    }


def test_format_amount():
    assert [format_amount(value) for value in (0, 5, 1205, -1205)] == [
        "0.00",
        "0.05",
        "12.05",
        "-12.05",
    ]

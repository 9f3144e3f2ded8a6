"""The register of an allotment society.

Keeps the members, the plots, who rents which plot, the waiting list, invoices and payments, keys,
inspections and hours of common work. Amounts are in pence, areas in square metres. Nothing here
looks at the clock: methods that depend on the day are told which day it is.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

PAYMENT_DAYS = 30
REMINDER_FEE = 300
KEY_DEPOSIT = 1500
WATER_FEE = 1800
HOURS_DUE = 6
HOUR_FEE = 800
MAX_PLOTS = 2


class RegisterError(Exception):
    """Something is not in the register, or what is asked for breaks a rule of the society."""


# Values


@dataclass(frozen=True)
class Member:
    """A member of the society."""

    number: int
    name: str
    joined: date
    email: str = ""
    left: date | None = None

    def is_active(self, day: date) -> bool:
        """Tell whether the person is a member on that day."""
        return self.joined <= day and (self.left is None or day <= self.left)


@dataclass(frozen=True)
class Plot:
    """A piece of land that can be let."""

    code: str
    area: int
    rate: int
    water: bool = False

    @property
    def yearly_rent(self) -> int:
        """Return the rent of a whole year, without water."""
        return self.area * self.rate


@dataclass(frozen=True)
class Tenancy:
    """A member rents a plot, from the first to the last day."""

    plot: str
    member: int
    start: date
    end: date | None = None

    def covers(self, day: date) -> bool:
        """Tell whether the plot is rented on that day."""
        return self.start <= day and (self.end is None or day <= self.end)

    def months_in(self, year: int) -> int:
        """Return in how many months of the year the plot is rented, begun months included."""
        first = max(self.start, date(year, 1, 1))
        last = min(self.end or date(year, 12, 31), date(year, 12, 31))
        if first > last:
            return 0
        return last.month - first.month + 1


@dataclass
class Invoice:
    """An amount that a member owes; ``sequence`` counts the invoices of a year from 1."""

    year: int
    sequence: int
    member: int
    text: str
    amount: int
    issued: date
    due: date
    paid: int = 0
    cancelled: bool = False
    reminders: int = 0

    @property
    def number(self) -> str:
        """Return the number that is printed on the invoice."""
        return f"{self.year}-{self.sequence}"

    @property
    def open_amount(self) -> int:
        """Return what still has to be paid."""
        return 0 if self.cancelled else self.amount - self.paid


@dataclass(frozen=True)
class Payment:
    """Money that came in from a member."""

    member: int
    day: date
    amount: int


@dataclass(frozen=True)
class Key:
    """A key of the gate, handed out against a deposit."""

    number: int
    member: int
    issued: date
    returned: date | None = None
    lost: bool = False


@dataclass(frozen=True)
class Inspection:
    """What the committee found on a plot."""

    plot: str
    day: date
    tidy: bool
    note: str = ""


@dataclass(frozen=True)
class WorkHours:
    """Hours that a member worked for the society."""

    member: int
    day: date
    hours: int


@dataclass
class _Records:
    members: dict[int, Member] = field(default_factory=dict)
    plots: dict[str, Plot] = field(default_factory=dict)
    tenancies: list[Tenancy] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    credit: Counter[int] = field(default_factory=Counter)
    keys: dict[int, Key] = field(default_factory=dict)
    inspections: list[Inspection] = field(default_factory=list)
    work: list[WorkHours] = field(default_factory=list)


def format_amount(pence: int) -> str:
    """Return an amount in pounds, such as ``-12.05``."""
    sign = "-" if pence < 0 else ""
    pounds, rest = divmod(abs(pence), 100)
    return f"{sign}{pounds}.{rest:02d}"


class AllotmentRegister:
    """Everything the society knows."""

    def __init__(self) -> None:
        self._records = _Records()

    # Members

    def add_member(self, name: str, joined: date, email: str = "") -> Member:
        """Add a member with the next free number."""
        name = " ".join(name.split())
        if not name:
            raise RegisterError("a member needs a name")
        number = max(self._records.members, default=0) + 1
        member = Member(number, name, joined, email.strip().lower())
        self._records.members[number] = member
        return member

    def member(self, number: int) -> Member:
        """Return a member, also one who has left."""
        try:
            return self._records.members[number]
        except KeyError:
            raise RegisterError(f"no member {number}") from None

    def change_member(self, number: int, *, name: str = "", email: str = "") -> Member:
        """Change the name or the e-mail address; what is empty stays as it is."""
        member = self.member(number)
        if name.strip():
            member = replace(member, name=" ".join(name.split()))
        if email.strip():
            member = replace(member, email=email.strip().lower())
        self._records.members[number] = member
        return member

    def active_members(self, day: date) -> list[Member]:
        """Return who is a member on that day, by name."""
        active = [member for member in self._records.members.values() if member.is_active(day)]
        return sorted(active, key=lambda member: (member.name.lower(), member.number))

    def find_members(self, text: str) -> list[Member]:
        """Return the members whose name or address contains the text, ignoring case."""
        wanted = text.strip().lower()
        return [
            member
            for _, member in sorted(self._records.members.items())
            if wanted in member.name.lower() or wanted in member.email
        ]

    def leave(self, number: int, day: date) -> Member:
        """End a membership. The member must have given back plots and keys, and paid everything."""
        member = self._active(number, day)
        if self.plots_of(number, day):
            raise RegisterError(f"{member.name} still rents a plot")
        if self.keys_of(number):
            raise RegisterError(f"{member.name} still has a key")
        if self.balance(number) < 0:
            raise RegisterError(f"{member.name} owes {format_amount(-self.balance(number))}")
        if number in self._records.waiting:
            self._records.waiting.remove(number)
        member = replace(member, left=day)
        self._records.members[number] = member
        return member

    def _active(self, number: int, day: date) -> Member:
        member = self.member(number)
        if not member.is_active(day):
            raise RegisterError(f"{member.name} is not a member on {day}")
        return member

    # Plots

    def add_plot(self, code: str, area: int, rate: int, *, water: bool = False) -> Plot:
        """Add a plot; the rate is the yearly rent of one square metre."""
        code = code.strip().upper()
        if not code:
            raise RegisterError("a plot needs a code")
        if code in self._records.plots:
            raise RegisterError(f"plot {code} exists already")
        if area <= 0 or rate <= 0:
            raise RegisterError(f"plot {code}: area and rate must be positive")
        plot = Plot(code, area, rate, water)
        self._records.plots[code] = plot
        return plot

    def plot(self, code: str) -> Plot:
        """Return a plot, ignoring the case of the code."""
        try:
            return self._records.plots[code.strip().upper()]
        except KeyError:
            raise RegisterError(f"no plot {code.strip().upper()}") from None

    def lay_on_water(self, code: str) -> Plot:
        """Note that a plot has a water tap from now on."""
        plot = replace(self.plot(code), water=True)
        self._records.plots[plot.code] = plot
        return plot

    def split_plot(self, code: str, area: int) -> tuple[Plot, Plot]:
        """Split a plot that was never let; the first part gets the area, the second the rest."""
        plot = self.plot(code)
        if self.past_tenants(code):
            raise RegisterError(f"plot {plot.code} has been let")
        if not 0 < area < plot.area:
            raise RegisterError(f"plot {plot.code} has {plot.area} square metres")
        del self._records.plots[plot.code]
        first = self.add_plot(f"{plot.code}A", area, plot.rate, water=plot.water)
        second = self.add_plot(f"{plot.code}B", plot.area - area, plot.rate, water=plot.water)
        return first, second

    def free_plots(self, day: date) -> list[Plot]:
        """Return the plots that nobody rents on that day, by code."""
        return [
            plot
            for code, plot in sorted(self._records.plots.items())
            if self.tenant_of(code, day) is None
        ]

    def let_area(self, day: date) -> int:
        """Return how many square metres are let on that day."""
        free = sum(plot.area for plot in self.free_plots(day))
        return sum(plot.area for plot in self._records.plots.values()) - free

    # Tenancies

    def let_plot(self, code: str, number: int, start: date) -> Tenancy:
        """Let a free plot to a member from that day on."""
        plot = self.plot(code)
        member = self._active(number, start)
        if self.tenant_of(code, start) is not None:
            raise RegisterError(f"plot {plot.code} is let")
        if len(self.plots_of(number, start)) >= MAX_PLOTS:
            raise RegisterError(f"{member.name} already has {MAX_PLOTS} plots")
        tenancy = Tenancy(plot.code, number, start)
        self._records.tenancies.append(tenancy)
        return tenancy

    def end_tenancy(self, code: str, last_day: date) -> Tenancy:
        """End the tenancy of a plot; the last day is still paid for."""
        plot = self.plot(code)
        for place, tenancy in enumerate(self._records.tenancies):
            if tenancy.plot == plot.code and tenancy.end is None:
                if last_day < tenancy.start:
                    raise RegisterError(f"plot {plot.code} was let on {tenancy.start}")
                ended = replace(tenancy, end=last_day)
                self._records.tenancies[place] = ended
                return ended
        raise RegisterError(f"plot {plot.code} is not let")

    def transfer_plot(self, code: str, number: int, day: date) -> Tenancy:
        """Let a plot to another member; the old tenancy ends on the day before."""
        self._active(number, day)
        if len(self.plots_of(number, day)) >= MAX_PLOTS:
            raise RegisterError(f"{self.member(number).name} already has {MAX_PLOTS} plots")
        self.end_tenancy(code, day - timedelta(days=1))
        return self.let_plot(code, number, day)

    def tenant_of(self, code: str, day: date) -> int | None:
        """Return the number of the member who rents the plot on that day."""
        plot = self.plot(code)
        for tenancy in self._records.tenancies:
            if tenancy.plot == plot.code and tenancy.covers(day):
                return tenancy.member
        return None

    def plots_of(self, number: int, day: date) -> list[Plot]:
        """Return the plots that a member rents on that day, by code."""
        codes = {
            tenancy.plot
            for tenancy in self._records.tenancies
            if tenancy.member == number and tenancy.covers(day)
        }
        return [self._records.plots[code] for code in sorted(codes)]

    def past_tenants(self, code: str) -> list[int]:
        """Return the numbers of all members who have rented the plot, the first tenant first."""
        plot = self.plot(code)
        own = [tenancy for tenancy in self._records.tenancies if tenancy.plot == plot.code]
        return [tenancy.member for tenancy in sorted(own, key=lambda item: item.start)]

    # Waiting list

    def join_waiting_list(self, number: int, day: date) -> int:
        """Put a member at the end of the list and return the position, counted from 1."""
        member = self._active(number, day)
        if number in self._records.waiting:
            raise RegisterError(f"{member.name} is on the waiting list already")
        self._records.waiting.append(number)
        return len(self._records.waiting)

    def leave_waiting_list(self, number: int) -> None:
        """Take a member off the list."""
        if number not in self._records.waiting:
            raise RegisterError(f"{self.member(number).name} is not on the waiting list")
        self._records.waiting.remove(number)

    def waiting_position(self, number: int) -> int | None:
        """Return the position on the list, counted from 1."""
        if number not in self._records.waiting:
            return None
        return self._records.waiting.index(number) + 1

    def offer_plot(self, code: str, day: date) -> Tenancy:
        """Let a free plot to the first on the list who may have one more."""
        for number in list(self._records.waiting):
            if len(self.plots_of(number, day)) < MAX_PLOTS:
                tenancy = self.let_plot(code, number, day)
                self._records.waiting.remove(number)
                return tenancy
        raise RegisterError("nobody is waiting for a plot")

    # Rent and invoices

    def rent_for(self, tenancy: Tenancy, year: int) -> int:
        """Return the rent of a tenancy for one year; months that have begun are paid in full."""
        plot = self.plot(tenancy.plot)
        yearly = plot.yearly_rent + (WATER_FEE if plot.water else 0)
        months = tenancy.months_in(year)
        return (yearly * months + 6) // 12

    def issue_invoice(self, number: int, text: str, amount: int, day: date) -> Invoice:
        """Write an invoice; credit that the member has is used for it at once."""
        self.member(number)
        if amount <= 0:
            raise RegisterError(f"an invoice over {format_amount(amount)} makes no sense")
        invoice = Invoice(
            year=day.year,
            sequence=self._next_sequence(day.year),
            member=number,
            text=text,
            amount=amount,
            issued=day,
            due=day + timedelta(days=PAYMENT_DAYS),
        )
        self._records.invoices.append(invoice)
        self._settle(number)
        return invoice

    def _next_sequence(self, year: int) -> int:
        used = [invoice.sequence for invoice in self._records.invoices if invoice.year == year]
        return max(used, default=0) + 1

    def bill_rent(self, year: int, day: date) -> list[Invoice]:
        """Write the invoices for the rent of a year, by code of the plot and then by start."""
        billed = []
        ordered = sorted(self._records.tenancies, key=lambda item: (item.plot, item.start))
        for tenancy in ordered:
            rent = self.rent_for(tenancy, year)
            if rent > 0:
                text = f"Rent {year}, plot {tenancy.plot}"
                billed.append(self.issue_invoice(tenancy.member, text, rent, day))
        return billed

    def invoice(self, number: str) -> Invoice:
        """Return the invoice with that printed number."""
        for invoice in self._records.invoices:
            if invoice.number == number:
                return invoice
        raise RegisterError(f"no invoice {number}")

    def cancel_invoice(self, number: str) -> Invoice:
        """Cancel an invoice; what was paid for it becomes credit."""
        invoice = self.invoice(number)
        if invoice.cancelled:
            raise RegisterError(f"invoice {number} is cancelled already")
        invoice.cancelled = True
        self._records.credit[invoice.member] += invoice.paid
        invoice.paid = 0
        self._settle(invoice.member)
        return invoice

    def invoices_of(self, number: int) -> list[Invoice]:
        """Return all invoices of a member in the order in which they were written."""
        return [invoice for invoice in self._records.invoices if invoice.member == number]

    def open_invoices(self, number: int) -> list[Invoice]:
        """Return the invoices that a member still has to pay, the oldest first."""
        unpaid = [invoice for invoice in self.invoices_of(number) if invoice.open_amount > 0]
        return self._oldest_first(unpaid)

    def _oldest_first(self, invoices: list[Invoice]) -> list[Invoice]:
        """Order invoices by the day they are due and, on one day, as they were written."""
        return sorted(invoices, key=lambda invoice: (invoice.due, invoice.number))

    # Payments

    def record_payment(self, number: int, amount: int, day: date) -> list[Invoice]:
        """Use a payment for the oldest invoices and return those that it paid in full.

        What is left over becomes credit of the member.
        """
        self.member(number)
        if amount <= 0:
            raise RegisterError("a payment must be positive")
        self._records.payments.append(Payment(number, day, amount))
        self._records.credit[number] += amount
        return self._settle(number)

    def _settle(self, number: int) -> list[Invoice]:
        """Use the credit of a member for open invoices; return those that are paid now."""
        settled = []
        for invoice in self.open_invoices(number):
            part = min(invoice.open_amount, self._records.credit[number])
            invoice.paid += part
            self._records.credit[number] -= part
            if invoice.open_amount == 0:
                settled.append(invoice)
        return settled

    def credit_of(self, number: int) -> int:
        """Return what the society owes to a member."""
        self.member(number)
        return self._records.credit[number]

    def balance(self, number: int) -> int:
        """Return credit less open invoices; negative if the member owes something."""
        owed = sum(invoice.open_amount for invoice in self.invoices_of(number))
        return self.credit_of(number) - owed

    def refund(self, number: int) -> int:
        """Pay out the credit of a member and return the amount."""
        amount = self.credit_of(number)
        self._records.credit[number] = 0
        return amount

    def income(self, first: date, last: date) -> int:
        """Return the sum of the payments from the first to the last day."""
        return sum(
            payment.amount for payment in self._records.payments if first <= payment.day <= last
        )

    # Reminders

    def overdue(self, day: date) -> list[Invoice]:
        """Return the open invoices that were due before that day, the oldest first."""
        late = [
            invoice
            for invoice in self._records.invoices
            if invoice.open_amount > 0 and invoice.due < day
        ]
        return self._oldest_first(late)

    def send_reminders(self, day: date) -> list[str]:
        """Write a reminder for each overdue invoice; from the second one on it costs a fee."""
        letters = []
        for invoice in self.overdue(day):
            invoice.reminders += 1
            if invoice.reminders > 1:
                invoice.amount += REMINDER_FEE
            name = self.member(invoice.member).name
            letters.append(f"{invoice.number} {name}: {format_amount(invoice.open_amount)}")
        return letters

    # Keys

    def issue_key(self, key_number: int, number: int, day: date) -> Key:
        """Hand out a key of the gate and write an invoice for the deposit."""
        member = self._active(number, day)
        known = self._records.keys.get(key_number)
        if known is not None and (known.lost or known.returned is None):
            state = "lost" if known.lost else "handed out"
            raise RegisterError(f"key {key_number} is {state}")
        key = Key(key_number, member.number, day)
        self._records.keys[key_number] = key
        self.issue_invoice(number, f"Deposit, key {key_number}", KEY_DEPOSIT, day)
        return key

    def return_key(self, key_number: int, day: date) -> Key:
        """Take a key back; the deposit becomes credit of the member."""
        key = replace(self._key_in_use(key_number), returned=day)
        self._records.keys[key_number] = key
        self._records.credit[key.member] += KEY_DEPOSIT
        self._settle(key.member)
        return key

    def report_lost_key(self, key_number: int) -> Key:
        """Note that a key is lost; the society keeps the deposit."""
        key = replace(self._key_in_use(key_number), lost=True)
        self._records.keys[key_number] = key
        return key

    def keys_of(self, number: int) -> list[int]:
        """Return the numbers of the keys that a member has."""
        return sorted(
            key.number
            for key in self._records.keys.values()
            if key.member == number and key.returned is None and not key.lost
        )

    def _key_in_use(self, key_number: int) -> Key:
        key = self._records.keys.get(key_number)
        if key is None or key.lost or key.returned is not None:
            raise RegisterError(f"key {key_number} is not handed out")
        return key

    # Inspections

    def record_inspection(self, code: str, day: date, *, tidy: bool, note: str = "") -> Inspection:
        """Note what the committee found on a plot that is let."""
        plot = self.plot(code)
        if self.tenant_of(code, day) is None:
            raise RegisterError(f"plot {plot.code} is not let")
        inspection = Inspection(plot.code, day, tidy, note.strip())
        self._records.inspections.append(inspection)
        return inspection

    def warnings(self, code: str) -> int:
        """Return how many inspections in a row, up to the last one, found the plot untidy."""
        plot = self.plot(code)
        own = [item for item in self._records.inspections if item.plot == plot.code]
        count = 0
        for inspection in sorted(own, key=lambda item: item.day, reverse=True):
            if inspection.tidy:
                break
            count += 1
        return count

    def neglected_plots(self, day: date) -> list[str]:
        """Return the codes of plots that are let and have two warnings or more."""
        return [
            code
            for code in sorted(self._records.plots)
            if self.tenant_of(code, day) is not None and self.warnings(code) >= 2
        ]

    # Common work

    def record_work(self, number: int, day: date, hours: int) -> WorkHours:
        """Note hours of common work."""
        self._active(number, day)
        if not 0 < hours <= 12:
            raise RegisterError(f"{hours} hours in one day cannot be right")
        entry = WorkHours(number, day, hours)
        self._records.work.append(entry)
        return entry

    def hours_of(self, number: int, year: int) -> int:
        """Return the hours of common work of a member in one year."""
        return sum(
            entry.hours
            for entry in self._records.work
            if entry.member == number and entry.day.year == year
        )

    def missing_hours(self, year: int) -> dict[int, int]:
        """Return the hours that tenants still owe at the end of the year, by member."""
        last_day = date(year, 12, 31)
        missing = {}
        for member in self.active_members(last_day):
            if self.plots_of(member.number, last_day):
                hours = HOURS_DUE - self.hours_of(member.number, year)
                if hours > 0:
                    missing[member.number] = hours
        return missing

    def bill_missing_hours(self, year: int, day: date) -> list[Invoice]:
        """Write invoices for the hours of common work that were not done."""
        return [
            self.issue_invoice(number, f"{hours} hours of work {year}", hours * HOUR_FEE, day)
            for number, hours in self.missing_hours(year).items()
        ]

    # Reports

    def statement(self, number: int) -> list[str]:
        """Return the lines of a member's account: each invoice, then the balance."""
        lines = [f"{self.member(number).name}, member {number}"]
        for invoice in self.invoices_of(number):
            if invoice.cancelled:
                state = "cancelled"
            elif invoice.open_amount == 0:
                state = "paid"
            else:
                state = f"open {format_amount(invoice.open_amount)}"
            amount = format_amount(invoice.amount)
            lines.append(f"{invoice.number} {invoice.text}: {amount}, {state}")
        lines.append(f"Balance {format_amount(self.balance(number))}")
        return lines

    def plot_list(self, day: date) -> list[str]:
        """Return a line for each plot with its area and its tenant."""
        lines = []
        for code, plot in sorted(self._records.plots.items()):
            tenant = self.tenant_of(code, day)
            name = "free" if tenant is None else self.member(tenant).name
            tap = ", water" if plot.water else ""
            lines.append(f"{code} {plot.area} m2{tap}: {name}")
        return lines

    def debtors(self) -> list[tuple[str, int]]:
        """Return who owes how much, the largest amount first."""
        owing = [
            (member.name, -self.balance(number))
            for number, member in self._records.members.items()
            if self.balance(number) < 0
        ]
        return sorted(owing, key=lambda item: (-item[1], item[0]))

    def year_summary(self, year: int) -> dict[str, int]:
        """Return the figures for the annual meeting."""
        first, last = date(year, 1, 1), date(year, 12, 31)
        written = [
            invoice
            for invoice in self._records.invoices
            if invoice.year == year and not invoice.cancelled
        ]
        return {
            "members": len(self.active_members(last)),
            "plots let": len(self._records.plots) - len(self.free_plots(last)),
            "waiting": len(self._records.waiting),
            "billed": sum(invoice.amount for invoice in written),
            "income": self.income(first, last),
            "work hours": sum(e.hours for e in self._records.work if e.day.year == year),
        }

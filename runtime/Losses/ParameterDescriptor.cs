namespace ChannelDistillation.Losses;

/// <summary>
/// A parameter of a loss: its name in experiments, type, default, range and one sentence about it. Validation, suggestions,
/// the JSON schema and the documentation are made from this.
/// </summary>
public abstract record ParameterDescriptor(string Name, string Doc)
{
    public abstract object DefaultValue { get; }

    /// <summary>The same parameter with another default.</summary>
    public abstract ParameterDescriptor WithDefault(object value);

    /// <param name="Minimum">Smallest allowed value, or the bound itself where <paramref name="AboveMinimum"/>.</param>
    public sealed record Number(
        string Name,
        double Default,
        string Doc,
        double Minimum = double.NegativeInfinity,
        double Maximum = double.PositiveInfinity,
        bool AboveMinimum = false
    ) : ParameterDescriptor(Name, Doc)
    {
        public override object DefaultValue => Default;

        public override ParameterDescriptor WithDefault(object value) => this with { Default = (double)value };

        public bool Allows(double value) => double.IsFinite(value) && value <= Maximum && (AboveMinimum ? value > Minimum : value >= Minimum);
    }

    /// <summary>A whole number; held as a double like every number.</summary>
    public sealed record Integer(string Name, int Default, string Doc, int Minimum = int.MinValue, int Maximum = int.MaxValue)
        : ParameterDescriptor(Name, Doc)
    {
        public override object DefaultValue => (double)Default;

        public override ParameterDescriptor WithDefault(object value) => this with { Default = (int)(double)value };

        public bool Allows(int value) => value >= Minimum && value <= Maximum;
    }

    public sealed record Flag(string Name, bool Default, string Doc) : ParameterDescriptor(Name, Doc)
    {
        public override object DefaultValue => Default;

        public override ParameterDescriptor WithDefault(object value) => this with { Default = (bool)value };
    }

    /// <summary>One of a few words.</summary>
    public sealed record Choice(string Name, string Default, IReadOnlyList<string> Choices, string Doc) : ParameterDescriptor(Name, Doc)
    {
        public override object DefaultValue => Default;

        public override ParameterDescriptor WithDefault(object value) => this with { Default = (string)value };
    }
}

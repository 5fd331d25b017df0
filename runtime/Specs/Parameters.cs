using System.Collections;

namespace ChannelDistillation.Specs;

/// <summary>
/// Named values (double, bool or string) of a loss, sorted by name and compared by value. A flag that is off is not stored, so that adding an option
/// to a loss does not change the hash of runs that do not use it.
/// </summary>
public sealed class Parameters : IReadOnlyCollection<KeyValuePair<string, object>>, IEquatable<Parameters>
{
    private readonly SortedDictionary<string, object> values;

    public Parameters(IEnumerable<KeyValuePair<string, object>> values)
    {
        this.values = new(StringComparer.Ordinal);
        foreach (var (name, value) in values.Where(entry => entry.Value is not false))
        {
            this.values.Add(
                name,
                value is double or bool or string
                    ? value
                    : throw new ArgumentException($"Parameter `{name}` is a {value.GetType().Name}; it must be a double, a bool or a string.")
            );
        }
    }

    public static Parameters Empty { get; } = new([]);

    public int Count => values.Count;

    public double Number(string name) => (double)values[name];

    public int Integer(string name) => checked((int)Number(name));

    public bool Flag(string name) => values.ContainsKey(name);

    public string Text(string name) => (string)values[name];

    /// <summary>These values with one replaced or added.</summary>
    public Parameters With(string name, object value) => new(values.Where(entry => entry.Key != name).Append(new(name, value)));

    public bool Equals(Parameters? other) => other is not null && values.SequenceEqual(other.values);

    public override bool Equals(object? other) => Equals(other as Parameters);

    public override int GetHashCode() => values.Aggregate(0, (hash, entry) => HashCode.Combine(hash, entry.Key, entry.Value));

    public IEnumerator<KeyValuePair<string, object>> GetEnumerator() => values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

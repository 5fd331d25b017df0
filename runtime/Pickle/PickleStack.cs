using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

/// <summary>The stack of the pickle machine, with its marks, and what was remembered for later.</summary>
internal sealed class PickleStack
{
    /// <summary>In a place of the memo that nothing was put into.</summary>
    private static readonly object Nothing = new();

    private readonly List<object?> values = [];
    private readonly List<int> marks = [];
    private readonly List<object?> memo = [];
    private int made;

    /// <summary>Counts values that were made by other means than <see cref="Push"/>.</summary>
    public void Spend(int count)
    {
        // Values that are made or copied: a file made to fill the memory is refused long before it does.
        if (count > FileLimits.CheckpointValues - made)
            throw new InvalidDataException("makes more values than any network's checkpoint does, which I do not read.");
        made += count;
    }

    public void Push(object? value)
    {
        Spend(1);
        values.Add(value);
    }

    public object? Top => values.Count > Floor ? values[^1] : throw Damaged();

    public object? Pop()
    {
        object? top = Top;
        values.RemoveAt(values.Count - 1);
        return top;
    }

    public T Pop<T>()
        where T : class => Pop() as T ?? throw Damaged();

    public object?[] PopMany(int count)
    {
        if (values.Count - Floor < count)
            throw Damaged();
        object?[] top = [.. values[^count..]];
        values.RemoveRange(values.Count - count, count);
        return top;
    }

    public void Mark()
    {
        Spend(1);
        marks.Add(values.Count);
    }

    /// <summary>Everything since the last mark, and the mark is gone.</summary>
    public object?[] PopMark()
    {
        object?[] since = PopMany(marks.Count == 0 ? throw Damaged() : values.Count - Floor);
        marks.RemoveAt(marks.Count - 1);
        return since;
    }

    /// <summary>Python lets POP take away a mark too.</summary>
    public void Drop()
    {
        if (marks.Count > 0 && values.Count == Floor)
            marks.RemoveAt(marks.Count - 1);
        else
            Pop();
    }

    /// <summary>Python counts places up, from 0 or 1, and may leave some out; one beyond the values made so far is no count.</summary>
    public void Remember(long place)
    {
        Spend(1);
        if (place > made)
            throw Damaged();
        while (memo.Count <= place)
            memo.Add(Nothing);
        memo[(int)place] = Top;
    }

    public void RememberNext() => Remember(memo.Count);

    public void Recall(long place) => Push(place < memo.Count && memo[(int)place] != Nothing ? memo[(int)place] : throw Damaged());

    public static InvalidDataException Damaged() =>
        new("is damaged: the description of its tensors makes no sense. Get it again from where it came from.");

    private int Floor => marks.Count == 0 ? 0 : marks[^1];
}

using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

/// <summary>The interpreter's stack with its marks, and its memo.</summary>
internal sealed class PickleStack
{
    /// <summary>Marks an empty position of the memo.</summary>
    private static readonly object Empty = new();

    private readonly List<object?> values = [];
    private readonly List<int> marks = [];
    private readonly List<object?> memo = [];
    private int valueCount;

    /// <summary>Counts values created by means other than <see cref="Push"/>.</summary>
    public void Spend(int count)
    {
        // Counts created and copied values, so that a malicious file is refused before it fills the memory.
        if (count > FileLimits.CheckpointValues - valueCount)
            throw new InvalidDataException($"creates more than {FileLimits.CheckpointValues:N0} values, which is the limit.");
        valueCount += count;
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

    /// <summary>Pops everything since the last mark, and the mark.</summary>
    public object?[] PopMark()
    {
        object?[] since = PopMany(marks.Count == 0 ? throw Damaged() : values.Count - Floor);
        marks.RemoveAt(marks.Count - 1);
        return since;
    }

    /// <summary>POP, which may also remove a mark, as in Python.</summary>
    public void Drop()
    {
        if (marks.Count > 0 && values.Count == Floor)
            marks.RemoveAt(marks.Count - 1);
        else
            Pop();
    }

    /// <summary>Stores the top in the memo. Python numbers positions from 0 or 1, and may skip some; a position beyond the values created so far is invalid.</summary>
    public void Remember(long place)
    {
        Spend(1);
        if (place > valueCount)
            throw Damaged();
        while (memo.Count <= place)
            memo.Add(Empty);
        memo[(int)place] = Top;
    }

    public void RememberNext() => Remember(memo.Count);

    public void Recall(long place) => Push(place < memo.Count && memo[(int)place] != Empty ? memo[(int)place] : throw Damaged());

    public static InvalidDataException Damaged() => new("is damaged: the description of its tensors is invalid. Download or copy it again.");

    private int Floor => marks.Count == 0 ? 0 : marks[^1];
}

namespace ChannelDistillation.Data.Photographs;

/// <summary>Where photographs come from: a folder, or a packed copy of one. Thread-safe.</summary>
internal interface IPhotographStore : IDisposable
{
    int Count { get; }

    /// <summary>Class of a photograph, from 0.</summary>
    int Label(int index);

    /// <summary>How to name it to a person.</summary>
    string Name(int index);

    /// <returns>Valid until the worker's next photograph.</returns>
    /// <exception cref="PictureException">It cannot be read.</exception>
    Pixels Load(int index, Worker worker);
}

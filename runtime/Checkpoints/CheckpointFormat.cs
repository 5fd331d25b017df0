namespace ChannelDistillation.Checkpoints;

/// <summary>The containers that checkpoints come in.</summary>
public enum CheckpointFormat
{
    /// <summary>github.com/huggingface/safetensors; ours are of this kind.</summary>
    Safetensors,

    /// <summary>`torch.save` of PyTorch 1.6 and later: a zip archive with a pickle and one file per storage.</summary>
    PyTorchZip,

    /// <summary>`torch.save` before PyTorch 1.6: pickles one after the other, then the storages.</summary>
    PyTorchLegacy,
}

using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Recipes;

public sealed class ComfyGraphTests
{
    [Theory]
    [InlineData("{\"1\":{\"class_type\":\"a\",\"inputs\":{\"seed\":1,\"seed\":1}}}")]
    [InlineData("{\"1\":{\"class_type\":\"a\",\"inputs\":{\"seed\":NaN,\"steps\":1,\"steps\":1}}}")]
    [InlineData("{\"1\":{\"class_type\":\"a\",\"inputs\":{\"ckpt_name\":\"\\ud800\"}}}")]
    public void WhatIsNoGraphOfOneMeaningIsNone(string text) => Assert.Null(ComfyGraph.Parse(text));
}

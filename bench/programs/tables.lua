-- Tables and strings: a tree of tables built and dropped again and again, beside a growing index.
local rounds = tonumber(arg[1])

local function tree(depth)
    if depth == 0 then
        return { value = 1 }
    end
    return { left = tree(depth - 1), right = tree(depth - 1), value = depth }
end

local function sum(node)
    if not node.left then
        return node.value
    end
    return node.value + sum(node.left) + sum(node.right)
end

local index, total = {}, 0
for round = 1, rounds do
    total = total + sum(tree(13))
    for i = 1, 2000 do
        local key = string.format("key-%d-%d", round, i)
        index[key] = key:rep(1 + i % 5)
    end
    if round % 20 == 0 then
        index = {}
    end
end
local length = 0
for _, text in pairs(index) do
    length = length + #text
end
print(total, length)
